#include "operator/kubernetes/controller.h"

#include <gtest/gtest.h>

#include "operator/kubernetes/api_values.h"
#include "operator/kubernetes/fenced_kube.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing_objects::AnObject;
using testing_objects::HalfDoneAt;

const KubeName kName{"recovery", "one"};

/// A controller with everything around it; each Pass handles what is due and nothing more.
class ControllerRig : public testing::Test, public ControllerObserver {
 protected:
  ControllerRig() {
    guard.AllowUntil(SteadyTime::max());
    api.Put(kSecrets, testing_objects::ItsSecret());
  }
  void OnReconciled(const char* how, double) override {
    result = how;
    stop.request_stop();
  }
  void OnPanic() override { ++panics; }
  void OnStatus(const EtcdRestore&, const Json&) override {}
  void OnRunEnded(const EtcdRestore&, const Json&) override { ++ended; }
  void OnGone(const KubeName&) override {}

  /// The object as it now is on the server reaches the cache, and a worker takes it.
  void Pass() {
    stop = {};
    const auto object = api.Find(kEtcdRestores, kName);
    if (object) {
      for (const ObjectChange& change : cache.Upsert(*object)) controller.Changed(change);
    }
    PassOnCache();
  }
  void PassOnCache() {
    stop = {};
    queue.Add(kName.Key(), "prod");
    Call call;
    call.stop = stop.get_token();
    controller.Work(call);
  }
  [[nodiscard]] Json StatusNow() const {
    return api.Find(kEtcdRestores, kName)->value("status", Json::object());
  }
  [[nodiscard]] std::string Reason() const {
    const Json status = StatusNow();
    for (const Json& condition : status["conditions"]) {
      if (condition["type"] == "Ready") return condition["reason"];
    }
    return "";
  }
  static SessionResult Ends(const SessionInput& input, Ending ending, const Error& error) {
    RunRecord record;
    record.ending = ending;
    record.error = error;
    SessionResult result;
    result.ending = ending;
    result.error = error;
    Target target;
    target.object = input.object;
    result.status = ToStatus(target, record, {});
    return result;
  }

  /// The object is deleted and applied again.
  void MakeAnew() {
    api.Remove(kEtcdRestores, kName);
    KubeObject again = AnObject();
    again["metadata"]["uid"] = "u2";
    api.Put(kEtcdRestores, again);
  }

  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:30:00Z")};
  fakes::FakeKube api;
  LeaderGuard guard{clock};
  FencedKube fenced{api, guard};
  ObjectCache cache;
  WorkQueue queue{clock};
  RunLedger ledger{fenced, "ops"};
  EventRecorder events{fenced, clock, "test"};
  std::stop_source stop;
  int runs = 0;
  int ended = 0;
  int panics = 0;
  std::string result;
  Controller::RunFunction run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kDone, {});
  };
  Controller controller{
      {fenced, clock, cache, queue, guard, ledger, events, NullLogger(), *this,
       [this](const Call& call, const SessionInput& input, RunListener& listener) {
         ++runs;
         return run(call, input, listener);
       },
       "/nowhere", "rke"}};
};

TEST_F(ControllerRig, RunsAnObjectOnceAndPublishesItsEnd) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(ended, 1);
  Pass();
  EXPECT_EQ(runs, 1) << "a finished object starts nothing";
}

TEST_F(ControllerRig, WhatARunStartsMayLiveForAsLongAsTheLeaseAllows) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    guard.AllowUntil(clock.Steady() + 7s);
    EXPECT_EQ(input.may_run_until(), clock.Steady() + 7s);
    guard.Revoke();
    EXPECT_LT(input.may_run_until(), clock.Steady());
    guard.AllowUntil(SteadyTime::max());
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, WaitsUntilTheCacheHasItsOwnLastWrite) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(result, "success");
  const std::size_t writes = api.writes().size();
  // The watch has not brought the status yet; by the cache the object was never looked at.
  PassOnCache();
  EXPECT_EQ(result, "requeue_after");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(api.writes().size(), writes);
  Pass();
  EXPECT_EQ(result, "success");
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
}

TEST_F(ControllerRig, AnExceptionThatNobodyExpectedIsCountedAndTriedAgain) {
  api.Put(kEtcdRestores, AnObject());
  run = [](const Call&, const SessionInput&, RunListener&) -> SessionResult {
    throw std::runtime_error("a defect");
  };
  Pass();
  EXPECT_EQ(panics, 1);
  EXPECT_EQ(result, "error");
  EXPECT_EQ(queue.Numbers().retries, 1U);
  EXPECT_EQ(queue.Numbers().busy, 0U);
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
}

TEST_F(ControllerRig, AnObjectMadeAnewStartsNothing) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  MakeAnew();
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(Reason(), "AlreadyRan");
}

TEST_F(ControllerRig, AnObjectThatNeverRanAndIsMadeAnewStartsNothing) {
  api.Put(kEtcdRestores, AnObject());
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kAwaitingApproval, Terminal("AwaitingApproval", ""));
  };
  Pass();
  MakeAnew();
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Reason(), "RunIDUsed");
}

TEST_F(ControllerRig, ALostStatusIsMadeAgainFromTheLedger) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
}

TEST_F(ControllerRig, AStatusThatWentBackInTimeIsLookedAt) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  const auto hear = [this](const KubeObject& object) {
    for (const ObjectChange& change : cache.Upsert(object)) controller.Changed(change);
    return queue.Numbers().depth;
  };
  EXPECT_EQ(hear(*api.Find(kEtcdRestores, kName)), 0U) << "what the operator wrote itself";
  EXPECT_EQ(hear(AnObject()), 1U);
}

TEST_F(ControllerRig, ANewRunIDRunsAgain) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  KubeObject next = *api.Find(kEtcdRestores, kName);
  next["spec"]["runID"] = "r2";
  next["metadata"]["generation"] = 2;
  api.Put(kEtcdRestores, next);
  Pass();
  EXPECT_EQ(runs, 2);
}

TEST_F(ControllerRig, WaitsForASecret) {
  api.Remove(kSecrets, {"recovery", "rke"});
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["phase"], "Pending");
  EXPECT_EQ(Reason(), "ReferenceNotFound");
  api.Put(kSecrets, testing_objects::ItsSecret());
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, CancelledPausedAndExpiredObjectsDoNotRun) {
  const struct {
    const char* field;
    Json value;
    const char* phase;
  } cases[] = {{"cancel", true, "Cancelled"},
               {"paused", true, "Pending"},
               {"notAfter", "2026-11-22T03:29:00Z", "Rejected"}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.field);
    KubeObject object = AnObject();
    object["spec"][one.field] = one.value;
    api.Put(kEtcdRestores, object);
    Pass();
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(StatusNow()["phase"], one.phase);
  }
}

TEST_F(ControllerRig, NothingIsDestroyedBeforeLedgerFinalizerAndInputsAreKept) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    EXPECT_TRUE(input.may_act());
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
    EXPECT_FALSE(input.may_act()) << "no act while the inputs cannot be kept";
    api.refuse = {};
    EXPECT_TRUE(input.may_act());
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
    KubeObject cancelled = *api.Find(kEtcdRestores, kName);
    cancelled["spec"]["cancel"] = true;
    cancelled["metadata"]["generation"] = 2;
    api.Put(kEtcdRestores, cancelled);
    for (const ObjectChange& change : cache.Upsert(cancelled)) controller.Changed(change);
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
    KubeObject cancelled = *api.Find(kEtcdRestores, kName);
    cancelled["spec"]["cancel"] = true;
    cancelled["metadata"]["generation"] = 2;
    api.Put(kEtcdRestores, cancelled);
    for (const ObjectChange& change : cache.Upsert(cancelled)) controller.Changed(change);
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
    for (const ObjectChange& change : cache.Upsert(leaving)) controller.Changed(change);
    EXPECT_TRUE(call.stop.stop_requested());
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, WithoutTheLeaseNothingIsWritten) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    guard.Revoke();
    EXPECT_EQ(input.may_act().error().reason, "LeaseLost");
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  const std::size_t before = api.writes().size();
  EXPECT_NE(StatusNow()["phase"], "Succeeded");
  Pass();
  EXPECT_EQ(api.writes().size(), before);
}

TEST_F(ControllerRig, ABrokenObjectIsRejectedInItsStatus) {
  KubeObject object = AnObject();
  object["spec"].erase("sources");
  api.Put(kEtcdRestores, object);
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["phase"], "Rejected");
  EXPECT_EQ(Reason(), "ObjectInvalid");
}

}  // namespace
}  // namespace etcdrestore
