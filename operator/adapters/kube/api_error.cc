#include "operator/adapters/kube/api_error.h"

#include "operator/ports/kube.h"

namespace etcdrestore {
namespace {

using Json = KubeObject;

constexpr const char* kNoAnswer = "BadAnswer";

std::string ReasonOf(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 504:
      return "Timeout";
    default:
      return code >= 500 ? "ServerTrouble" : "ApiRefused";
  }
}

bool TooLargeVersion(const Json& status, const std::string& message) {
  const Json::json_pointer causes("/details/causes");
  if (status.contains(causes)) {
    for (const Json& cause : status[causes]) {
      if (TextField(cause, "reason") == "ResourceVersionTooLarge") return true;
    }
  }
  return message.find("Too large resource version") != std::string::npos;
}

/// Only these can pass by themselves.
bool MayPass(const std::string& reason, int code) {
  return code >= 500 || code == 429 || code == 408 || reason == "Conflict" || reason == "Expired" ||
         reason == "Unauthorized" || reason == "ResourceVersionTooLarge" || reason == kNoAnswer;
}

std::string Advice(const std::string& reason) {
  if (reason == "Forbidden") return ". The role does not allow it: apply manifests/default again";
  if (reason == "Unauthorized") return ". The credentials are not accepted, or no longer";
  if (reason == kNoAnswer)
    return ". No word about the object: a proxy said it, or the server does not know this kind, "
           "which kubectl apply -k manifests/default brings";
  return "";
}

}  // namespace

Error ApiStatusError(const std::string& doing, const std::string& status_json, int code) {
  const Json parsed = Json::parse(status_json, nullptr, false);
  const bool is_status = TextField(parsed, "kind") == "Status";
  if (is_status && code == 0 && parsed.contains("code") && parsed["code"].is_number_integer())
    code = parsed["code"].get<int>();
  std::string reason = is_status ? TextField(parsed, "reason") : "";
  if (reason.empty()) reason = ReasonOf(code);
  // A page that is not there is no object that is not there.
  if (code == 404 && !is_status) reason = kNoAnswer;
  std::string message = is_status ? TextField(parsed, "message") : "";
  if (message.empty()) message = status_json.substr(0, 300);
  if (reason == "Gone" || code == 410) reason = "Expired";
  if (is_status && TooLargeVersion(parsed, message)) reason = "ResourceVersionTooLarge";
  message = doing + ": " + std::to_string(code) + " " + message + Advice(reason);
  return MayPass(reason, code) ? Transient(reason, message) : Terminal(reason, message);
}

Error ApiError(const std::string& doing, const HttpResponse& response) {
  return ApiStatusError(doing, response.body, response.status);
}

}  // namespace etcdrestore
