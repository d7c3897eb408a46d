// Runs past their point of no return, and runs that are stopped.
#include "operator/kubernetes/api_values.h"
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing_objects::AnObject;
using testing_objects::HalfDoneAt;

TEST_F(ControllerRig, NothingIsDestroyedBeforeLedgerFinalizerAndInputsAreKept) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    EXPECT_TRUE(input.may_act(true));
    EXPECT_TRUE(api.Find(kSecrets, kName) == std::nullopt);
    RunRecord record;
    record.point_of_no_return = clock.Now();
    input.on_status(Json{{"phase", "Preflight"},
                         {"runID", "r1"},
                         {"pointOfNoReturn", "2026-11-22T03:30:00Z"},
                         {"conditions", Json::array()}},
                    record);
    api.refuse = [](const std::string&, const KubeType& type, const KubeName&) {
      return type == kSecrets ? std::optional(Transient("Unavailable", "")) : std::nullopt;
    };
    EXPECT_FALSE(input.may_act(true)) << "no act while the inputs cannot be kept";
    api.refuse = nullptr;
    EXPECT_TRUE(input.may_act(true));
    EXPECT_EQ((*api.Find(kEtcdRestores, kName))["metadata"]["finalizers"], Json({kFinalizer}));
    const auto entry = ledger.Read({}, input.object);
    EXPECT_FALSE((*entry)->committed_at.empty());
    EXPECT_TRUE(*ledger.Inputs({}, input.object));
    EXPECT_TRUE(StatusNow().contains("pointOfNoReturn")) << "who takes over must know";
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_FALSE((*api.Find(kEtcdRestores, kName))["metadata"].contains("finalizers"));
  EXPECT_FALSE(*ledger.Inputs({}, testing_objects::Parsed(AnObject()))) << "copies are gone";
}

TEST_F(ControllerRig, ANewLeaderFinishesHalfARestoreBeforeItBeginsAnother) {
  KubeObject half = HalfDoneAt("Cleaned");
  half["metadata"]["name"] = "half";
  half["metadata"]["uid"] = "u9";
  cache.Upsert(half);
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["phase"], "Pending");
  EXPECT_EQ(Reason(), "LockedByOther");
  half["status"]["phase"] = "Succeeded";
  cache.Upsert(half);
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, HalfARestoreThatMustWaitKeepsItsPointOfNoReturn) {
  KubeObject object = HalfDoneAt("Cleaned");
  api.Put(kEtcdRestores, object);
  api.Remove(kSecrets, {"recovery", "rke"});
  Pass();
  EXPECT_EQ(Reason(), "ReferenceNotFound");
  EXPECT_EQ(StatusNow()["pointOfNoReturn"], "2026-11-22T03:10:00Z");
}

TEST_F(ControllerRig, AHalfDoneRunGoesOnFromTheKeptInputs) {
  KubeObject object = HalfDoneAt("Restored");
  api.Put(kEtcdRestores, object);
  const EtcdRestore parsed = testing_objects::Parsed(object);
  ASSERT_TRUE(ledger.Write(
      {}, parsed, {parsed.RunKey(), "u1", "2026-11-22T03:00:00Z", "2026-11-22T03:10:00Z", "", ""}));
  const auto values = ApiValues::Read({}, api, parsed);
  ASSERT_TRUE(values);
  ASSERT_TRUE(ledger.KeepInputs({}, parsed, values->CopyOf()));
  api.Remove(kSecrets, {"recovery", "rke"});
  std::string seen;
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    seen = input.values.Resolve(input.object.spec.cluster_config)->Reveal();
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(seen, "canary");
}

TEST_F(ControllerRig, AStoppedRunIsNotReportedAsFailed) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call& call, const SessionInput& input, RunListener&) {
    stop.request_stop();
    EXPECT_TRUE(call.stop.stop_requested());
    return Ends(input, Ending::kNeedsAttention, Transient("Interrupted", ""));
  };
  Pass();
  EXPECT_NE(StatusNow()["phase"], "Failed");
  EXPECT_TRUE((*ledger.Read({}, testing_objects::Parsed(AnObject())))->finished_at.empty());
}

TEST_F(ControllerRig, CancelEndsARunThatDestroyedNothing) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call& call, const SessionInput& input, RunListener&) {
    input.on_status(Json{{"phase", "Preflight"}}, {});  // still waits to be written at the end
    Cancel();
    EXPECT_TRUE(call.stop.stop_requested());
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Cancelled");
}

TEST_F(ControllerRig, CancelledHalfDoneItSaysWhatComesNextAndStartsNothing) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call& call, const SessionInput& input, RunListener&) {
    Cancel();
    EXPECT_TRUE(call.stop.stop_requested());
    SessionResult stopped_run =
        Ends(input, Ending::kNeedsAttention, Transient("Interrupted", "stopped"));
    stopped_run.status["pointOfNoReturn"] = "2026-11-22T03:30:00Z";
    return stopped_run;
  };
  Pass();
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Failed");
  EXPECT_EQ(Reason(), "Cancelled");
  EXPECT_EQ(StatusNow()["observedGeneration"], 2);
}

TEST_F(ControllerRig, DeletionStopsARunThatDestroyedNothing) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call& call, const SessionInput& input, RunListener&) {
    KubeObject leaving = AnObject();
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T03:31:00Z";
    Hear(leaving);
    EXPECT_TRUE(call.stop.stop_requested());
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace etcdrestore
