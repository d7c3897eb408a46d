#include "operator/kubernetes/health_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

std::string Well() { return ""; }

std::optional<HttpAnswer> Asked(const std::string& path, const std::string& query,
                                const std::string& fault) {
  const std::vector<HealthCheck> checks = {{"ping", Well}, {"loop", [&] { return fault; }}};
  return AnswerProbe("/healthz", checks, {path, query, Secret("")});
}

struct Case {
  const char* path;
  const char* query;
  const char* fault;
  int status;
  const char* body;
};

TEST(HealthChecks, AnswerAsControllerRuntimeDoes) {
  const Case cases[] = {
      {"/healthz", "", "", 200, "ok"},
      {"/healthz/", "", "", 200, "ok"},
      {"/healthz", "verbose", "", 200, "[+]ping ok\n[+]loop ok\nhealthz check passed\n"},
      {"/healthz", "a=b&verbose=", "", 200, "[+]ping ok\n[+]loop ok\nhealthz check passed\n"},
      {"/healthz", "", "stands", 500, "[+]ping ok\n[-]loop failed: stands\nhealthz check failed\n"},
      {"/healthz", "exclude=loop", "stands", 200, "ok"},
      {"/healthz", "exclude=other&exclude=loop&verbose", "stands", 200,
       "[+]ping ok\n[+]loop excluded: ok\nhealthz check passed\n"},
      {"/healthz", "exclude=lo", "stands", 500,
       "[+]ping ok\n[-]loop failed: stands\nhealthz check failed\n"},
      {"/healthz/loop", "", "", 200, "ok"},
      {"/healthz/loop", "", "stands", 500, "stands\n"},
      {"/healthz/ping", "", "stands", 200, "ok"}};
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.path) + "?" + one.query + " " + one.fault);
    const auto answer = Asked(one.path, one.query, one.fault);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, one.status);
    EXPECT_EQ(answer->body, one.body);
  }
}

TEST(HealthChecks, KnowNoOtherPath) {
  for (const char* path : {"/healthz/other", "/healthz/loop/", "/healthzloop", "/readyz", "/", ""})
    EXPECT_FALSE(Asked(path, "", "")) << path;
}

}  // namespace
}  // namespace etcdrestore
