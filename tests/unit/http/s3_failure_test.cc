#include "operator/adapters/http/s3_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore {
namespace {
using ::testing::HasSubstr;
using ::testing::StartsWith;

S3Asked Asked() {
  return {
      "get x.zip", "https://s3.test", "backups", "eu-1", false, *ParseTime("2026-11-22T01:00:00Z")};
}
HttpResponse Answer(int status, const std::string& code, HttpHeaders headers = {}) {
  return {status, std::move(headers),
          code.empty() ? "" : "<Error><Code>" + code + "</Code><Message>m</Message></Error>"};
}

TEST(ClassifyS3, GivesEveryRefusalItsReasonAndItsOwnAdvice) {
  const struct {
    int status;
    const char* code;
    ErrorKind kind;
    const char* reason;
    const char* advice;
  } cases[] = {
      {403, "SignatureDoesNotMatch", ErrorKind::kTerminal, "AccessDenied", "secret access key"},
      {403, "InvalidAccessKeyId", ErrorKind::kTerminal, "AccessDenied", "does not know this"},
      {404, "XAdminUserNotFound", ErrorKind::kTerminal, "AccessDenied", "does not know this"},
      {400, "ExpiredToken", ErrorKind::kTerminal, "AccessDenied", "has expired"},
      {400, "InvalidToken", ErrorKind::kTerminal, "AccessDenied", "not valid"},
      {403, "AccessDenied", ErrorKind::kTerminal, "AccessDenied",
       "s3:ListBucket on the bucket backups"},
      {403, "", ErrorKind::kTerminal, "AccessDenied", "refuses these credentials"},
      {404, "NoSuchBucket", ErrorKind::kTerminal, "NotFound",
       "backups does not exist at https://s3.test"},
      {404, "NoSuchKey", ErrorKind::kTerminal, "NotFound", "no such object"},
      {404, "", ErrorKind::kTerminal, "NotFound", "no such object, bucket or server"},
      {403, "InvalidObjectState", ErrorKind::kTerminal, "BadRequest", "archived"},
      {400, "Whatever", ErrorKind::kTerminal, "BadRequest", "HTTP 400 Whatever (m)"},
      {503, "SlowDown", ErrorKind::kTransient, "Throttled", "slower"},
      {429, "", ErrorKind::kTransient, "Throttled", "slower"},
      {400, "RequestTimeout", ErrorKind::kTransient, "Timeout", "waited"},
      {503, "ServiceUnavailable", ErrorKind::kTransient, "Unavailable", "not available"},
      {500, "InternalError", ErrorKind::kTransient, "Unavailable", "internal"},
      {502, "", ErrorKind::kTransient, "Unavailable", "HTTP 502"},
      {501, "NotImplemented", ErrorKind::kTerminal, "BadRequest", "is it S3"},
  };
  for (const auto& [status, code, kind, reason, advice] : cases) {
    SCOPED_TRACE(std::to_string(status) + code);
    const Error error = ClassifyS3(Asked(), Answer(status, code));
    EXPECT_EQ(error.kind, kind);
    EXPECT_EQ(error.reason, reason);
    EXPECT_THAT(error.message, HasSubstr(advice));
    EXPECT_THAT(error.message, StartsWith("get x.zip: "));
  }
}

TEST(ClassifyS3, SaysHowFarTheClocksAreApart) {
  HttpResponse answer = Answer(403, "");
  answer.body =
      "<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2026-11-22T03:05:00Z</ServerTime></"
      "Error>";
  EXPECT_THAT(ClassifyS3(Asked(), answer).message,
              HasSubstr("it says 2026-11-22T01:00:00Z, the server's says 2026-11-22T03:05:00Z (2 h "
                        "5 min ahead)"));
  const HttpResponse by_header =
      Answer(403, "RequestTimeTooSkewed", {{"date", "Sun, 22 Nov 2026 00:00:00 GMT"}});
  EXPECT_THAT(ClassifyS3(Asked(), by_header).message, HasSubstr("(1 h 0 min behind)"));
}

TEST(ClassifyS3, NamesRegionOrEndpointOfAMovedBucket) {
  EXPECT_THAT(ClassifyS3(Asked(), Answer(301, "", {{"x-amz-bucket-region", "ap-2"}})).message,
              HasSubstr("set region: ap-2"));
  HttpResponse answer = Answer(301, "");
  answer.body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.ap-2.x</Endpoint></Error>";
  EXPECT_THAT(ClassifyS3(Asked(), answer).message, HasSubstr("at another endpoint, b.s3.ap-2.x"));
  EXPECT_THAT(ClassifyS3(Asked(), Answer(301, "")).message, HasSubstr("another region than eu-1"));
}

TEST(ClassifyS3, AsksForCredentialsWhereNoneWereGiven) {
  S3Asked asked = Asked();
  asked.anonymous = true;
  EXPECT_THAT(ClassifyS3(asked, Answer(403, "AccessDenied")).message,
              HasSubstr("give credentials"));
}

TEST(ClassifyS3, KeepsForeignTextShortAndOnOneLine) {
  HttpResponse answer = Answer(400, "");
  answer.body =
      "<Error><Code>Odd</Code><Message>a\nb" + std::string(5000, 'x') + "</Message></Error>";
  const std::string message = ClassifyS3(Asked(), answer).message;
  EXPECT_LT(message.size(), 500U);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace etcdrestore
