#include "operator/adapters/kube/api_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

TEST(ApiErrors, AreNamedByTheServersReason) {
  const struct {
    int code;
    const char* body;
    const char* reason;
    ErrorKind kind;
  } cases[] = {
      {404, R"({"kind":"Status","reason":"NotFound","message":"gone"})", "NotFound",
       ErrorKind::kTerminal},
      {409, R"({"kind":"Status","reason":"AlreadyExists"})", "AlreadyExists", ErrorKind::kTerminal},
      {409, R"({"kind":"Status","reason":"Conflict"})", "Conflict", ErrorKind::kTransient},
      {410, R"({"kind":"Status","reason":"Gone"})", "Expired", ErrorKind::kTransient},
      {410, R"({"kind":"Status","reason":"Expired"})", "Expired", ErrorKind::kTransient},
      {403, R"({"kind":"Status","reason":"Forbidden"})", "Forbidden", ErrorKind::kTerminal},
      {401, "no", "Unauthorized", ErrorKind::kTransient},
      {422, R"({"kind":"Status","reason":"Invalid"})", "Invalid", ErrorKind::kTerminal},
      {429, "Too many requests, please try again later.", "TooManyRequests", ErrorKind::kTransient},
      {504, R"({"kind":"Status","reason":"Timeout","details":{"causes":[
              {"reason":"ResourceVersionTooLarge"}]}})",
       "ResourceVersionTooLarge", ErrorKind::kTransient},
      {500, "", "ServerTrouble", ErrorKind::kTransient},
      {418, "", "ApiRefused", ErrorKind::kTerminal},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.body);
    const Error error = ApiError("get x", HttpResponse{one.code, {}, one.body});
    EXPECT_EQ(error.reason, one.reason);
    EXPECT_EQ(error.kind, one.kind);
    EXPECT_THAT(error.message, testing::StartsWith("get x: " + std::to_string(one.code)));
  }
}

TEST(ApiErrors, ThatNothingIsThereIsSaidByAStatusAlone) {
  for (const char* body :
       {"404 page not found\n", "<html>default backend - 404</html>", "", "{}", R"({"code":404})",
        R"({"kind":"Problem","reason":"NotFound","message":"no such route"})", R"("NotFound")"}) {
    SCOPED_TRACE(body);
    const Error error = ApiError("get x", HttpResponse{404, {}, body});
    EXPECT_EQ(error.reason, "BadAnswer");
    EXPECT_EQ(error.kind, ErrorKind::kTransient);
    EXPECT_THAT(error.message, testing::StartsWith(std::string("get x: 404 ") + body));
    EXPECT_THAT(error.message, testing::HasSubstr("kubectl apply -k manifests/default"));
  }
  EXPECT_EQ(ApiError("get x", HttpResponse{404, {}, R"({"kind":"Status"})"}).reason, "NotFound");
}

TEST(ApiErrors, InsideAWatchStreamCarryTheirOwnCode) {
  const Error error = ApiStatusError(
      "watch x", R"({"kind":"Status","code":410,"message":"too old resource version"})", 0);
  EXPECT_EQ(error.reason, "Expired");
  EXPECT_EQ(
      ApiStatusError("watch x", R"({"kind":"Status","code":503,"message":"later"})", 0).reason,
      "ServerTrouble");
}

TEST(ApiErrors, OfTheWrongShapeAreErrorsAllTheSame) {
  for (const char* body : {
           R"({"kind":7,"reason":7,"message":7})",
           R"({"kind":"Status","reason":null,"message":[],"details":null})",
           R"({"kind":"Status","details":{"causes":null}})",
           R"({"kind":"Status","details":{"causes":"x"}})",
           R"({"kind":"Status","details":{"causes":[7,{"reason":7}]}})",
           R"({"kind":"Status","details":[7]})",
           R"([{"kind":"Status"}])",
       }) {
    SCOPED_TRACE(body);
    const Error error = ApiError("get x", HttpResponse{503, {}, body});
    EXPECT_EQ(error.reason, "ServerTrouble");
    EXPECT_THAT(error.message, testing::HasSubstr(body));
  }
}

}  // namespace
}  // namespace etcdrestore
