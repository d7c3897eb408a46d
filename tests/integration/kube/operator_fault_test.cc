// The program itself while its API server is broken, away or without its store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <sstream>

#include "operator/adapters/http/http_client.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/fault_proxy.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";
constexpr const char* kGroup = "system:serviceaccounts";

ChildProcess Start(const std::string& name, const std::string& kubeconfig) {
  const std::string& folder = Server().folder();
  return ChildProcess({ETCDRESTORE_PROGRAM, "operator", "--kubeconfig", kubeconfig, "--state-dir",
                       folder + "/state-" + name, "--metrics-bind-address", "127.0.0.1:0",
                       "--health-probe-bind-address", "127.0.0.1:0"},
                      folder + "/" + name + ".log", {"HOME=" + folder});
}

void ApplyRoles() {
  const Status roles =
      Server().Apply(std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/default/rbac.yaml");
  ASSERT_TRUE(roles) << roles.error().message;
}

void Create(const std::string& name) {
  const auto wrote = Server().api().Write(
      {},
      {KubeVerb::kCreate, kEtcdRestores, {"recovery", name}, "", UnreachableRestore(name, name)});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

std::string PhaseOf(const std::string& name) {
  const auto object = Server().api().Get(Call().Within(5s), kEtcdRestores, {"recovery", name});
  return object ? object->value("status", KubeObject::object()).value("phase", "") : "";
}

/// How many runs of this object ended, as the log tells it.
int RunsIn(const std::string& log, const std::string& name) {
  std::istringstream lines(log);
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"Run ended\"") != std::string::npos &&
        line.find("\"name\":\"" + name + "\"") != std::string::npos)
      ++count;
  }
  return count;
}

TEST(OperatorFaults, ABrokenServerLosesNothingAndMakesNothingRunTwice) {
  ApplyRoles();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 dice(seed);
  const auto chance = [&dice] { return std::uniform_real_distribution<double>(0, 1)(dice); };
  const FaultProxy proxy(Server().Access(kUser, kGroup), [&](const TestRequest& request) {
    Fault fault;
    const double what = chance();
    const bool watch = request.target.find("watch=true") != std::string::npos;
    if (what < (watch ? 0.5 : 0.1)) {
      fault.cut_after = static_cast<std::size_t>(chance() * (watch ? 6000 : 600));
    } else if (what < 0.55 && watch) {
      fault.answer = ErrorEventAnswer(410, "Expired");
    } else if (what < 0.14) {
      fault.answer = StatusAnswer(429, "TooManyRequests", "retry-after: 1\r\n");
    } else if (what < 0.18) {
      fault.answer = StatusAnswer(503, "ServiceUnavailable");
    } else if (what > 0.95) {
      fault.piece = 1;
    }
    return fault;
  });
  const ChildProcess process = Start("broken", PlainKubeconfig(proxy.Access().server));
  std::vector<std::string> names;
  for (int i = 0; i < 6; ++i) names.push_back("broken-" + std::to_string(i));
  for (const std::string& name : names) Create(name);
  for (const std::string& name : names) {
    EXPECT_TRUE(process.WaitUntil([&] { return PhaseOf(name) == "Failed"; }, 120s))
        << name << " is " << PhaseOf(name) << "\n"
        << process.Log();
  }
  for (const std::string& name : names) EXPECT_EQ(RunsIn(process.Log(), name), 1) << name;
  EXPECT_LT(proxy.requests().size(), 1000U) << "no storm of requests";
}

TEST(OperatorFaults, WhenTheStoreIsAwayTheLeaderEndsAndTheNextOneGoesOn) {
  ApplyRoles();
  const std::string kubeconfig = Server().Kubeconfig(kUser, kGroup);
  ChildProcess first = Start("paused-first", kubeconfig);
  ASSERT_TRUE(first.WaitForLog("Leading")) << first.Log();
  Create("before");
  ASSERT_TRUE(first.WaitUntil([] { return PhaseOf("before") == "Failed"; })) << first.Log();
  Create("during");
  Server().PauseStore();
  EXPECT_EQ(first.Wait(), 1) << first.Log();
  EXPECT_THAT(first.Log(), HasSubstr("Lease lost"));
  Server().ResumeStore();
  const ChildProcess second = Start("paused-second", kubeconfig);
  ASSERT_TRUE(second.WaitForLog("Leading")) << second.Log();
  EXPECT_TRUE(second.WaitUntil([] { return PhaseOf("during") == "Failed"; })) << second.Log();
  EXPECT_EQ(RunsIn(first.Log() + second.Log(), "before"), 1);
}

TEST(OperatorFaults, ItIsNotReadyBeforeItKnowsItsObjectsAndIsAliveMeanwhile) {
  ApplyRoles();
  std::atomic<bool> refused = true;
  const FaultProxy proxy(Server().Access(kUser, kGroup), [&](const TestRequest& request) {
    Fault fault;
    if (refused && request.target.find("etcdrestores") != std::string::npos)
      fault.answer = StatusAnswer(403, "Forbidden");
    return fault;
  });
  const ChildProcess process = Start("unready", PlainKubeconfig(proxy.Access().server));
  ASSERT_TRUE(process.WaitForLog("Begun anew")) << process.Log();
  const auto probe = [port = PortsIn(process.Log()).at(0)](const std::string& path) {
    const auto client = std::move(HttpClient::Open({})).value();
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(port) + path;
    const auto answer = client->Send(Call().Within(10s), request);
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(probe("/readyz"), 500);
  EXPECT_EQ(probe("/healthz"), 200);
  refused = false;
  EXPECT_TRUE(process.WaitUntil([&] { return probe("/readyz") == 200; })) << process.Log();
}

TEST(OperatorFaults, AServerThatIsStartedAnewFindsItsOperator) {
  ApplyRoles();
  const std::string kubeconfig = Server().Kubeconfig(kUser, kGroup);
  ChildProcess process = Start("restarted", kubeconfig);
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  Create("first");
  ASSERT_TRUE(process.WaitUntil([] { return PhaseOf("first") == "Failed"; })) << process.Log();
  ASSERT_TRUE(Server().Restart());
  Create("second");
  // A server that is away for longer than the Lease costs its leader: it is started anew, as the
  // Deployment does it.
  const auto ended = [] { return PhaseOf("second") == "Failed"; };
  std::string logs;
  if (!process.WaitUntil(ended)) {
    EXPECT_THAT(process.Log(), HasSubstr("Lease lost"));
    logs = process.Log();
    process = Start("restarted-again", kubeconfig);
    EXPECT_TRUE(process.WaitUntil(ended)) << process.Log();
  }
  logs += process.Log();
  EXPECT_EQ(RunsIn(logs, "first"), 1);
}

}  // namespace
}  // namespace etcdrestore::testing
