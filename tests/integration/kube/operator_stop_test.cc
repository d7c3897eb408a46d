// SIGTERM while a run is under way: a node takes the connection and says nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"
#include "operator/kubernetes/status_document.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";

/// Each test has a Lease of its own: what another one left is not waited for.
class Stopped : public ::testing::Test {
 protected:
  Stopped() : node(ListenOnLoopback()) {
    static int count = 0;
    name = "stopped-" + std::to_string(++count);
    const Status roles =
        Server().Apply(std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/default/rbac.yaml");
    EXPECT_TRUE(roles) << (roles ? "" : roles.error().message);
  }
  ~Stopped() override { CloseNode(); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  void CloseNode() {
    if (node.fd >= 0) ::close(node.fd);
    node.fd = -1;
  }
  [[nodiscard]] std::string StateOf(const std::string& process) const {
    return Server().folder() + "/state-" + name + process;
  }
  [[nodiscard]] ChildProcess Operator(const std::string& process) const {
    const std::string& folder = Server().folder();
    return ChildProcess(
        {ETCDRESTORE_PROGRAM, "operator", "--kubeconfig",
         Server().Kubeconfig(kUser, "system:serviceaccounts"), "--leader-elect-resource-name", name,
         "--state-dir", StateOf(process), "--metrics-bind-address", "127.0.0.1:0",
         "--health-probe-bind-address", "127.0.0.1:0"},
        folder + "/" + name + process + ".log", {"HOME=" + folder});
  }
  void Create() const {
    const auto wrote = Server().api().Write({}, {KubeVerb::kCreate,
                                                 kEtcdRestores,
                                                 {"recovery", name},
                                                 "",
                                                 UnreachableRestore(name, name, "r1", node.port)});
    ASSERT_TRUE(wrote) << wrote.error().message;
  }
  [[nodiscard]] KubeObject StatusNow() const {
    const auto object = Server().api().Get({}, kEtcdRestores, {"recovery", name});
    return object ? object->value("status", KubeObject::object()) : KubeObject::object();
  }
  [[nodiscard]] std::string Phase() const { return StatusNow().value("phase", ""); }
  [[nodiscard]] std::string Holder() const {
    const auto lease = Server().api().Get({}, kLeases, {"etcdrestore-system", name});
    EXPECT_TRUE(lease) << lease.error().message;
    return lease ? (*lease)["spec"].value("holderIdentity", "") : "";
  }
  /// A process that is looking at the silent node.
  ChildProcess AtWork() {
    ChildProcess process = Operator("-first");
    EXPECT_TRUE(process.WaitForLog("Leading")) << process.Log();
    Create();
    EXPECT_TRUE(process.WaitUntil([this] { return Phase() == "Preflight"; })) << process.Log();
    return process;
  }

  std::string name;
  Listener node;
};

/// How long the kubelet waits between SIGTERM and SIGKILL.
std::chrono::seconds Patience() {
  const std::string path =
      std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/default/deployment.yaml";
  const auto documents = LoadYaml(ReadFile(path).value_or(""), path);
  if (documents) {
    for (const YamlDocument& one : *documents) {
      if (one.value["kind"] == "Deployment")
        return std::chrono::seconds(
            one.value["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].get<int>());
    }
  }
  ADD_FAILURE() << path << " has no Deployment";
  return {};
}

TEST_F(Stopped, ARunEndsWithItsOperatorIsNotReportedAsEndedAndTheNextOneGoesOn) {
  ChildProcess first = AtWork();
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(Patience()), 0) << first.Log();
  EXPECT_THAT(first.Log(), HasSubstr("\"Stopped\""));
  EXPECT_THAT(first.Log(), Not(HasSubstr("Run ended")));
  EXPECT_EQ(Holder(), "") << "the next one need not wait";
  EXPECT_EQ(Phase(), "Preflight");
  EXPECT_FALSE(StatusNow().contains("completionTime"));
  EXPECT_EQ(ConditionField(StatusNow(), "Failed", "status"), "False");
  CloseNode();
  const ChildProcess next = Operator("-next");
  EXPECT_TRUE(next.WaitUntil([this] { return Phase() == "Failed"; })) << next.Log();
  EXPECT_EQ(ConditionField(StatusNow(), "Ready", "reason"), "PreflightFailed");
}

TEST_F(Stopped, ACancelThatComesDuringTheFirstLookIsNoFailureOfTheNodes) {
  ChildProcess process = AtWork();
  const KubeObject cancel = {{"spec", {{"cancel", true}}}};
  ASSERT_TRUE(
      Server().api().Write({}, {KubeVerb::kMerge, kEtcdRestores, {"recovery", name}, "", cancel}));
  EXPECT_TRUE(process.WaitUntil([this] { return Phase() == "Cancelled"; })) << process.Log();
  EXPECT_THAT(process.Log(), Not(HasSubstr("replaceNodes")))
      << "advice about a node that was asked";
}

TEST_F(Stopped, WhatDoesNotEndInTimeIsCutBeforeTheKubeletDoes) {
  ChildProcess first = AtWork();
  // A disk that hangs: the run's next word about itself waits for ever to be written.
  const auto runs = std::filesystem::directory_iterator(StateOf("-first") + "/runs");
  const std::string part = runs->path().string() + "/status.json.new";
  ASSERT_TRUE(first.WaitUntil([&] { return ::mkfifo(part.c_str(), 0600) == 0; }));
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(Patience()), 1) << first.Log();
  EXPECT_THAT(first.Log(), HasSubstr("Grace period is over"));
  EXPECT_NE(Holder(), "") << "nobody may lead at once: who was cut may have left something at work";
  EXPECT_FALSE(StatusNow().contains("completionTime"));
}

}  // namespace
}  // namespace etcdrestore::testing
