// Who a server's audit log and its queues say has asked.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "operator/kubernetes/operator.h"
#include "operator/kubernetes/remote.h"
#include "tests/integration/kube/scripted.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

/// What the first request of some kind was sent with.
class FirstAgent {
 public:
  void Hear(const TestRequest& request) {
    if (std::exchange(heard_, true)) return;
    const auto header = request.headers.find("user-agent");
    agent_.set_value(header == request.headers.end() ? "" : header->second);
  }
  std::string Wait() {
    auto agent = agent_.get_future();
    return agent.wait_for(20s) == std::future_status::ready ? agent.get() : "no request";
  }

 private:
  bool heard_ = false;
  std::promise<std::string> agent_;
};

TEST(UserAgent, OfTheCommandLineIsNameVersionAndPlatform) {
  FirstAgent agent;
  HttpTestServer server([&](const TestRequest& request) {
    agent.Hear(request);
    return ListOf({});
  });
  RemoteRequest request;
  request.kubeconfig = PlainKubeconfig(server.Url());
  request.version = "1.2.3";
  EXPECT_EQ(RunRemote({}, request), 0);
  EXPECT_EQ(agent.Wait(), "etcdrestore/1.2.3 (linux/amd64)");
}

TEST(UserAgent, OfTheOperatorTellsItsElectionFromAllElse) {
  FirstAgent election;
  FirstAgent rest;
  HttpTestServer server([&](const TestRequest& request) {
    const bool lease = request.target.find("/leases/") != std::string::npos;
    (lease ? election : rest).Hear(request);
    return Refusal(503, "ServiceUnavailable");
  });
  OperatorOptions options;
  options.kubeconfig = PlainKubeconfig(server.Url());
  options.version = "1.2.3";
  options.metrics_address = "0";
  options.health_address = "0";
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  auto ended = std::async(std::launch::async, [&] { return RunOperator(call, options); });
  EXPECT_EQ(rest.Wait(), "etcdrestore/1.2.3 (linux/amd64)");
  EXPECT_EQ(election.Wait(), "etcdrestore/1.2.3 (linux/amd64)/leader-election");
  stop.request_stop();
  EXPECT_EQ(ended.get(), 0);
}

}  // namespace
}  // namespace etcdrestore::testing
