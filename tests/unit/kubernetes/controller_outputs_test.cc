// What a run leaves for people beside its object.
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using testing_objects::AnObject;

class Outputs : public ControllerRig {
 protected:
  Outputs() {
    std::ofstream(path) << "the new state";
    api.Put(kEtcdRestores, AnObject());
    run = [this](const Call&, const SessionInput& input, RunListener&) {
      SessionResult done = Ends(input, Ending::kDone, {});
      done.made["cluster.rkestate"] = path;
      return done;
    };
  }
  ~Outputs() override { (void)std::remove(path.c_str()); }
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;
  const KubeName kept{"recovery", "one-outputs"};
  const std::string path = ::testing::TempDir() + "/state-" + std::to_string(::getpid());
};

TEST_F(Outputs, AreKeptBeforeTheRunCountsAsEnded) {
  api.refuse = [&](const std::string& verb, const KubeType& type, const KubeName& name) {
    return verb == "write" && type == kSecrets && name == kept
               ? std::optional(Transient("Unavailable", ""))
               : std::nullopt;
  };
  Pass();
  EXPECT_NE(StatusNow()["phase"], "Succeeded");
  EXPECT_TRUE(Entry().finished_at.empty());
  api.refuse = nullptr;
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(StatusNow()["outputs"]["clusterState"], "secret/one-outputs");
  EXPECT_TRUE(api.Find(kSecrets, kept));
}

TEST_F(Outputs, NeverTakeTheSecretOfSomebodyElse) {
  api.Put(kSecrets, {{"metadata", {{"name", kept.name}, {"namespace", kept.name_space}}},
                     {"data", {{"theirs", "eA=="}}}});
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded") << "the cluster is back";
  const std::string told = StatusNow()["outputs"]["clusterState"];
  EXPECT_EQ(told.rfind("not kept: ", 0), 0U) << told;
  EXPECT_NE(told.find(path), std::string::npos) << told;
  EXPECT_EQ(api.Find(kSecrets, kept)->at("data"), KubeObject({{"theirs", "eA=="}}));
}

TEST_F(Outputs, OfAnObjectWithALongNameAreKeptUnderANameThatTheApiTakes) {
  const std::string start(199, 'x');
  KubeObject object = AnObject();
  object["metadata"]["name"] = start + ".tail";
  Hear(api.Put(kEtcdRestores, object));
  stop = {};
  Call call;
  call.stop = stop.get_token();
  controller.Work(call);
  EXPECT_TRUE(api.Find(kSecrets, {"recovery", start + "-outputs"}));
}

}  // namespace
}  // namespace etcdrestore
