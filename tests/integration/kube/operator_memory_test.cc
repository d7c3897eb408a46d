// What the program needs of memory for thousands of objects, while its server serves it badly.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/fault_proxy.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kObjects = 2000;
constexpr std::size_t kWords = 4000;  ///< most of an object

KubeName Named(int number) { return {"crowd", "one-" + std::to_string(number)}; }

/// All at the end of their runs: nothing is to be done for them.
void MakeCrowd() {
  ASSERT_TRUE(Server().MakeNamespace("crowd"));
  KubeObject object = UnreachableRestore("crowd", "crowd");
  object["status"] = {{"phase", "Succeeded"}, {"runID", "r1"}, {"observedGeneration", 1}};
  std::vector<KubeObject> crowd;
  for (int i = 0; i < kObjects; ++i) {
    const KubeName name = Named(i);
    object["metadata"] = {{"name", name.name},
                          {"namespace", name.name_space},
                          {"uid", "uid-" + name.name},
                          {"generation", 1},
                          {"creationTimestamp", "2026-11-22T03:00:00Z"},
                          {"annotations", {{"words", std::string(kWords, 'x')}}}};
    crowd.push_back(object);
  }
  const Status stored = Server().Store(kEtcdRestores, crowd);
  ASSERT_TRUE(stored) << stored.error().message;
}

void Change(int number) {
  const KubeObject words = {{"words", std::string(kWords, 'y')}};
  ASSERT_TRUE(Server().api().Write({}, {KubeVerb::kMerge,
                                        kEtcdRestores,
                                        Named(number),
                                        "",
                                        {{"metadata", {{"annotations", words}}}}}));
}

/// Lists and watches of the objects, each a little worse: a stream that is cut and one of a past
/// that is gone; then no streams: a page that expires, lists that come in small pieces, watches
/// that are cut.
class Badly {
 public:
  Fault operator()(const TestRequest& request) {
    if (request.target.find("/etcdrestores?") == std::string::npos) return {};
    const bool watch = request.target.find("watch=true") != std::string::npos;
    if (request.target.find("sendInitialEvents") != std::string::npos) return Stream(++streams_);
    return watch ? Watch(++watches_) : List(++lists_);
  }
  [[nodiscard]] int watches() const { return watches_; }

 private:
  static Fault Stream(int number) {
    if (number == 1) return {.cut_after = kObjects * kWords / 2};
    if (number == 2) return {.answer = StatusAnswer(410, "Expired")};
    return {.answer = StatusAnswer(422, "Invalid")};
  }
  static Fault List(int number) {
    if (number == 2) return {.answer = StatusAnswer(410, "Expired")};  // the second page
    return {.piece = 700};
  }
  static Fault Watch(int number) {
    if (number == 1) return {.answer = ErrorEventAnswer(410, "Expired")};
    return {.cut_after = 5 * kWords};
  }
  int streams_ = 0, lists_ = 0;
  std::atomic<int> watches_ = 0;
};

/// The program, through a proxy; for the objects of one namespace.
struct Program {
  Program(const std::string& name, const std::string& name_space, FaultProxy::Rule rule)
      : proxy(Server().Access("system:serviceaccount:etcdrestore-system:etcdrestore-operator",
                              "system:serviceaccounts"),
              std::move(rule)),
        process({ETCDRESTORE_PROGRAM, "operator", "--kubeconfig",
                 PlainKubeconfig(proxy.Access().server), "--namespace", name_space,
                 "--leader-elect-resource-name", name, "--state-dir",
                 Server().folder() + "/state-" + name, "--metrics-bind-address", "127.0.0.1:0",
                 "--health-probe-bind-address", "127.0.0.1:0"},
                Server().folder() + "/" + name + ".log", {"HOME=" + Server().folder()}) {
    EXPECT_TRUE(process.WaitForLog("Leading")) << process.Log();
  }
  /// The most that it ever held, in KiB.
  [[nodiscard]] long Peak() const {
    std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return 0;
  }
  FaultProxy proxy;
  ChildProcess process;
};

Fault Well(const TestRequest&) { return {}; }

TEST(OperatorMemory, OfAServerThatServesBadlyIsLittleMoreThanOfOneThatServesWell) {
  ASSERT_TRUE(Server().Apply(std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/default/rbac.yaml"));
  MakeCrowd();
  const Program none("memory-none", "etcdrestore-system", Well);
  const Program well("memory-well", "crowd", Well);
  Badly rule;
  const Program badly("memory-badly", "crowd", std::ref(rule));
  ASSERT_TRUE(badly.process.WaitUntil([&] { return rule.watches() >= 2; })) << badly.process.Log();
  for (int i = 0; i < 60; ++i) Change(i);
  ASSERT_TRUE(badly.process.WaitUntil([&] { return rule.watches() >= 10; })) << badly.process.Log();
  const long calm = well.Peak() - none.Peak();
  const long rough = badly.Peak() - none.Peak();
  EXPECT_GT(calm, static_cast<long>(kObjects * kWords / 1024)) << "they are in the cache";
  EXPECT_LT(2 * rough, 3 * calm) << "KiB for " << kObjects << " objects";
}

}  // namespace
}  // namespace etcdrestore::testing
