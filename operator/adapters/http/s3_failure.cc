#include "operator/adapters/http/s3_failure.h"

#include <array>
#include <cstdlib>

#include "operator/adapters/http/http_date.h"
#include "operator/adapters/http/s3_xml.h"

namespace etcdrestore {
namespace {

struct Rule {
  std::string_view code;
  ErrorKind kind;
  const char* reason;
  const char* advice;  ///< {bucket} and {endpoint} are filled in
};

constexpr ErrorKind kNo = ErrorKind::kTerminal;
constexpr ErrorKind kLater = ErrorKind::kTransient;

constexpr std::array<Rule, 28> kRules = {{
    {"SignatureDoesNotMatch", kNo, "AccessDenied",
     "the secret access key does not belong to this access key id; check for a cut-off or swapped "
     "key"},
    {"InvalidAccessKeyId", kNo, "AccessDenied",
     "the server at {endpoint} does not know this access key id; check it and the endpoint"},
    {"XAdminUserNotFound", kNo, "AccessDenied",  // versitygw's word for it, with status 404
     "the server at {endpoint} does not know this access key id; check it and the endpoint"},
    {"ExpiredToken", kNo, "AccessDenied",
     "the session token has expired; get new temporary credentials"},
    {"TokenRefreshRequired", kNo, "AccessDenied",
     "the session token has expired; get new temporary credentials"},
    {"InvalidToken", kNo, "AccessDenied",
     "the session token is not valid; give all three parts of one set of temporary credentials"},
    {"AccessDenied", kNo, "AccessDenied",
     "the credentials are known but may not do this; they need s3:ListBucket on the bucket "
     "{bucket} and s3:GetObject on what is in it (without s3:ListBucket a missing object looks "
     "like this too)"},
    {"AllAccessDisabled", kNo, "AccessDenied", "the bucket {bucket} is closed to everybody"},
    {"AccountProblem", kNo, "AccessDenied", "the provider has closed the account"},
    {"NoSuchBucket", kNo, "NotFound",
     "the bucket {bucket} does not exist at {endpoint}; check its name and the endpoint"},
    {"NoSuchKey", kNo, "NotFound", "there is no such object; check its name and the prefix"},
    {"NotFound", kNo, "NotFound", "there is no such object or bucket; check the names"},
    {"InvalidBucketName", kNo, "BadRequest", "{bucket} is no valid bucket name"},
    {"InvalidObjectState", kNo, "BadRequest",
     "the object is archived (Glacier) and cannot be read; restore it in S3 first, or take another "
     "snapshot"},
    {"NotImplemented", kNo, "BadRequest", "the server does not know this operation; is it S3?"},
    {"MethodNotAllowed", kNo, "BadRequest",
     "the server does not allow this operation; is the endpoint an S3 one?"},
    {"KeyTooLongError", kNo, "BadRequest", "the object's name is too long"},
    {"SlowDown", kLater, "Throttled", "the server asks to go slower"},
    {"SlowDownRead", kLater, "Throttled", "the server asks to go slower"},
    {"Throttling", kLater, "Throttled", "the server asks to go slower"},
    {"ThrottlingException", kLater, "Throttled", "the server asks to go slower"},
    {"RequestLimitExceeded", kLater, "Throttled", "the server asks to go slower"},
    {"TooManyRequests", kLater, "Throttled", "the server asks to go slower"},
    {"RequestTimeout", kLater, "Timeout", "the server waited too long for the request"},
    {"OperationAborted", kLater, "Unavailable", "another operation on it is under way"},
    {"TemporaryRedirect", kLater, "Unavailable",
     "the bucket is still being set up and answers elsewhere"},
    {"InternalError", kLater, "Unavailable", "the server has an internal error"},
    {"ServiceUnavailable", kLater, "Unavailable", "the server is not available"},
}};

std::string Fill(std::string text, const S3Asked& asked) {
  for (const auto& [mark, value] :
       {std::pair<std::string_view, const std::string&>("{bucket}", asked.bucket),
        {"{endpoint}", asked.endpoint}}) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  }
  return text;
}

Error WrongRegion(const S3Asked& asked, const std::string& region, const std::string& endpoint) {
  std::string message = asked.what + ": the bucket " + asked.bucket + " lies ";
  if (!region.empty())
    message += "in region " + region + ", asked was " + asked.region + "; set region: " + region;
  else if (!endpoint.empty())
    message += "at another endpoint, " + endpoint + "; set endpoint and region accordingly";
  else
    message += "in another region than " + asked.region + "; set the right region";
  return Terminal("BadRequest", message);
}

Error SkewedClock(const S3Asked& asked, const S3ErrorBody& body, const HttpResponse& response) {
  std::string message =
      asked.what + ": the clock of this machine is wrong, it says " + FormatTime(asked.now);
  std::optional<SystemTime> theirs = ParseTime(body.server_time);
  if (!theirs) theirs = ParseHttpDate(response.Header("date").value_or(""));
  if (theirs) {
    const Duration apart = *theirs > asked.now ? *theirs - asked.now : asked.now - *theirs;
    message += ", the server's says " + FormatTime(*theirs) + " (" + HumanDuration(apart) +
               (*theirs > asked.now ? " ahead)" : " behind)");
  }
  return Terminal("AccessDenied", message + "; set it right (NTP)");
}

Error ByStatus(const S3Asked& asked, const HttpResponse& response, const std::string& seen) {
  const int status = response.status;
  const std::string head = asked.what + ": " + seen + ": ";
  if (status == 401 || status == 403) {
    return Terminal("AccessDenied",
                    head + (asked.anonymous ? "no credentials were given, and "
                                              "this bucket is not public; give credentials"
                                            : "the server refuses these credentials"));
  }
  if (status == 404)
    return Terminal("NotFound", head + "no such object, bucket or server; check the names");
  if (status == 408) return Transient("Timeout", head + "the server gave up waiting");
  if (status == 429) return Transient("Throttled", head + "the server asks to go slower");
  if (status >= 500) return Transient("Unavailable", head + "the server is not available");
  return Terminal("BadRequest", head + "the server does not accept the request; is " +
                                    asked.endpoint + " an S3 endpoint?");
}

/// One line of somebody else's text, short enough for a message.
std::string Quoted(std::string text) {
  if (text.size() > 200) text = text.substr(0, 200) + "…";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

}  // namespace

Error ClassifyS3(const S3Asked& asked, const HttpResponse& response) {
  const S3ErrorBody body = ParseS3Error(response.body);
  const std::string header_region = response.Header("x-amz-bucket-region").value_or("");
  const std::string region = Quoted(body.region.empty() ? header_region : body.region);
  if (body.code == "RequestTimeTooSkewed") return SkewedClock(asked, body, response);
  if (body.code == "PermanentRedirect" || body.code == "AuthorizationHeaderMalformed" ||
      body.code == "IllegalLocationConstraintException" || response.status == 301) {
    return WrongRegion(asked, region, Quoted(body.endpoint));
  }
  std::string seen = "HTTP " + std::to_string(response.status);
  if (!body.code.empty()) seen += " " + Quoted(body.code);
  if (asked.anonymous && body.code == "AccessDenied") return ByStatus(asked, response, seen);
  for (const Rule& rule : kRules) {
    if (rule.code == body.code) {
      return Error{rule.kind, rule.reason,
                   asked.what + ": " + seen + ": " + Fill(rule.advice, asked)};
    }
  }
  if (!body.message.empty()) seen += " (" + Quoted(body.message) + ")";
  return ByStatus(asked, response, seen);
}

}  // namespace etcdrestore
