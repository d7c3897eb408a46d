// Probes and metrics as the kubelet and Prometheus see them.
#include "operator/kubernetes/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "operator/adapters/http/http_client.h"
#include "tests/fakes/fake_kube.h"

namespace etcdrestore {
namespace {

using ::testing::HasSubstr;

class Probes : public testing::Test, public Logger {
 protected:
  Probes() {
    OperatorOptions options;
    options.health_address = "127.0.0.1:0";
    options.metrics_address = "0";
    const std::vector<HealthCheck> live = {
        {"leader-election", [this] { return std::string(alive ? "" : "no leader election"); }}};
    const std::vector<HealthCheck> known = {
        {"objects", [this] { return std::string(ready ? "" : "not listed"); }}};
    auto opened = Endpoints::Open(
        {clock, *this, api, "host", live, known, [] { return ""; }, [](bool) {}}, options);
    EXPECT_TRUE(opened);
    if (opened) endpoints = std::move(*opened);
  }
  void Write(LogLevel, std::string_view, const LogFields& fields) override {
    for (const auto& [name, value] : fields) port = name == "port" ? value : port;
  }
  HttpResponse Get(const std::string& path) {
    static const auto client = std::move(HttpClient::Open({})).value();
    HttpRequest request;
    request.url = "http://127.0.0.1:" + port + path;
    const auto answer = client->Send(Call().Within(std::chrono::seconds(30)), request);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : HttpResponse{};
  }

  RealClock clock;
  fakes::FakeKube api;
  std::string port;
  std::atomic<bool> alive = true;
  std::atomic<bool> ready = true;
  std::unique_ptr<Endpoints> endpoints;
};

TEST_F(Probes, HealthzFailsExactlyWhileTheLoopsDoNotComeBack) {
  EXPECT_EQ(Get("/healthz").status, 200);
  alive = false;
  EXPECT_EQ(Get("/healthz").status, 500);
  EXPECT_THAT(Get("/healthz").body, HasSubstr("leader election"));
  EXPECT_EQ(Get("/readyz").status, 200) << "the other probe asks something else";
  alive = true;
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(Probes, ReadyzFailsExactlyWhileTheObjectsAreNotKnown) {
  ready = false;
  EXPECT_EQ(Get("/readyz").status, 500);
  EXPECT_THAT(Get("/readyz").body, HasSubstr("not listed"));
  EXPECT_EQ(Get("/healthz").status, 200) << "the kubelet must not end a process that waits";
  ready = true;
  EXPECT_EQ(Get("/readyz").status, 200);
}

}  // namespace
}  // namespace etcdrestore
