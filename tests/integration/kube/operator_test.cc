// The program itself against a real API server, with exactly the roles that manifests/default
// ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "operator/base/files.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";

ChildProcess Operator(const std::string& name, const std::vector<std::string>& flags = {}) {
  const std::string source = ETCDRESTORE_SOURCE_DIR;
  const Status roles = Server().Apply(source + "/manifests/default/rbac.yaml");
  EXPECT_TRUE(roles) << (roles ? "" : roles.error().message);
  const std::string& folder = Server().folder();
  std::vector<std::string> argv = {ETCDRESTORE_PROGRAM,
                                   "operator",
                                   "--kubeconfig",
                                   Server().Kubeconfig(kUser, "system:serviceaccounts"),
                                   "--state-dir",
                                   folder + "/state-" + name,
                                   "--metrics-bind-address",
                                   "127.0.0.1:0",
                                   "--health-probe-bind-address",
                                   "127.0.0.1:0"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return ChildProcess(argv, folder + "/" + name + ".log", {"HOME=" + folder});
}

KubeObject StatusOf(const std::string& name) {
  const auto object = Server().api().Get({}, kEtcdRestores, {"recovery", name});
  return object ? object->value("status", KubeObject::object()) : KubeObject::object();
}

void Create(const KubeObject& object) {
  const KubeName name{"recovery", object["metadata"]["name"]};
  const auto wrote = Server().api().Write({}, {KubeVerb::kCreate, kEtcdRestores, name, "", object});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

bool Ends(const ChildProcess& process, const std::string& name) {
  return process.WaitUntil([&] { return StatusOf(name).value("phase", "") == "Failed"; });
}

std::string ReasonOf(const std::string& name) {
  const KubeObject status = StatusOf(name);
  for (const KubeObject& condition : status["conditions"]) {
    if (condition["type"] == "Ready") return condition["reason"];
  }
  return "";
}

TEST(Operator, RunsAnObjectSaysWhyItFailedAndNeverRunsItAgain) {
  const ChildProcess process = Operator("once");
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  const KubeObject object = UnreachableRestore("once", "once");
  Create(object);
  ASSERT_TRUE(Ends(process, "once")) << process.Log();
  EXPECT_EQ(ReasonOf("once"), "PreflightFailed");
  ASSERT_TRUE(
      Server().api().Write({}, {KubeVerb::kDelete, kEtcdRestores, {"recovery", "once"}, "", {}}));
  Create(object);
  ASSERT_TRUE(Ends(process, "once"));
  EXPECT_EQ(ReasonOf("once"), "AlreadyRan");
  EXPECT_THAT(process.Log(), Not(HasSubstr("Forbidden")));
  // The Event is written by a thread of its own.
  EXPECT_TRUE(process.WaitUntil([] {
    int events = 0;
    const auto listed = Server().api().List({}, kEvents, "recovery", {}, [&](KubeObject event) {
      events += event["regarding"].value("name", "") == "once" ? 1 : 0;
    });
    return listed && events > 0;
  }));
}

TEST(Operator, RestoresAsManyClustersAtOnceAsItsFlagSays) {
  const ChildProcess process = Operator("many", {"--max-concurrent-reconciles", "2"});
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  // A node that takes the connection and says nothing: the runs go on for as long as this takes.
  const Listener silent = ListenOnLoopback();
  const auto first_word = [&](const std::string& name) {
    Create(UnreachableRestore(name, name, "r1", silent.port));
    EXPECT_TRUE(process.WaitUntil([&] { return StatusOf(name).contains("conditions"); }))
        << process.Log();
    return ReasonOf(name);
  };
  EXPECT_NE(first_word("many-1"), "Queued");
  EXPECT_NE(first_word("many-2"), "Queued");
  EXPECT_EQ(first_word("many-3"), "Queued") << "and looked at while both others go on";
  ::close(silent.fd);
}

TEST(Operator, EndsCleanlyOnTermAndGivesItsLeaseAway) {
  ChildProcess process = Operator("term");
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Log();
  const auto lease =
      Server().api().Get({}, kLeases, {"etcdrestore-system", "etcdrestore-operator"});
  ASSERT_TRUE(lease);
  EXPECT_EQ((*lease)["spec"].value("holderIdentity", ""), "");
}

TEST(Operator, TellsOnTheLeaseWhoLeadsAndWhoDoesNotAnyMore) {
  ChildProcess process = Operator("told");
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Log();
  const std::string mark = "\"identity\":\"";
  const std::size_t at = process.Log().find(mark) + mark.size();
  const std::string identity = process.Log().substr(at, process.Log().find('"', at) - at);
  std::vector<std::string> told;
  const auto listed =
      Server().api().List({}, kEvents, "etcdrestore-system", {}, [&](const KubeObject& event) {
        if (event["reportingInstance"] != identity) return;
        EXPECT_EQ(event["reason"], "LeaderElection");
        EXPECT_EQ(event["regarding"]["kind"], "Lease");
        EXPECT_EQ(event["regarding"]["name"], "etcdrestore-operator");
        told.push_back(event["note"]);
      });
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_THAT(told,
              UnorderedElementsAre(identity + " became leader", identity + " stopped leading"))
      << process.Log();
}

TEST(Operator, WhenTheLeaderIsKilledTheOtherGoesOn) {
  ChildProcess first = Operator("first");
  ASSERT_TRUE(first.WaitForLog("Leading")) << first.Log();
  const ChildProcess second = Operator("second");
  ASSERT_TRUE(second.WaitForLog("Another process leads")) << second.Log();
  first.Kill();
  Create(UnreachableRestore("failover", "failover"));
  EXPECT_TRUE(Ends(second, "failover")) << second.Log();
  EXPECT_THAT(second.Log(), HasSubstr("Leading"));
}

TEST(Operator, ALeaderThatSleptPastItsLeaseEnds) {
  ChildProcess first = Operator("sleeper");
  ASSERT_TRUE(first.WaitForLog("Leading")) << first.Log();
  const ChildProcess second = Operator("heir");
  first.Signal(SIGSTOP);
  ASSERT_TRUE(second.WaitForLog("Leading")) << second.Log();
  first.Signal(SIGCONT);
  EXPECT_EQ(first.Wait(), 1) << "a lost lease ends the process";
  EXPECT_THAT(first.Log(), HasSubstr("Lease lost"));
}

}  // namespace
}  // namespace etcdrestore::testing
