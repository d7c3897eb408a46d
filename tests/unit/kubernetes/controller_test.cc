#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing_objects::AnObject;

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
  const std::size_t writes = Writes();
  // The watch has not brought the status yet; by the cache the object was never looked at.
  PassOnCache();
  EXPECT_EQ(result, "requeue_after");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Writes(), writes);
  Pass();
  EXPECT_EQ(result, "success");
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
}

TEST_F(ControllerRig, AsksTheServerWhenTheCacheDoesNotComeToItsOwnLastWrite) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  clock.Advance(61s);
  PassOnCache();
  EXPECT_EQ(result, "success");
  EXPECT_EQ(runs, 1) << "by the cache the object was never looked at";
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
  const auto waiting_after = [this](const KubeObject& object) {
    Hear(object);
    return queue.Numbers().depth;
  };
  EXPECT_EQ(waiting_after(*api.Find(kEtcdRestores, kName)), 0U) << "what the operator wrote itself";
  EXPECT_EQ(waiting_after(AnObject()), 1U);
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

TEST_F(ControllerRig, LooksTheLessOftenTheLongerItWaits) {
  api.Remove(kSecrets, {"recovery", "rke"});
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(PauseToNext(), 10s);
  clock.Advance(100s);
  Pass();
  EXPECT_EQ(PauseToNext(), 25s);
  clock.Advance(1h);
  Pass();
  EXPECT_EQ(PauseToNext(), 60s);
  const auto writes = api.writes();
  EXPECT_EQ(std::count_if(writes.begin(), writes.end(),
                          [](const KubeWrite& write) { return write.type == kEvents; }),
            1)
      << "and tells of it once";
}

TEST_F(ControllerRig, ApprovalIsWaitedForUntilItsTimeHasPassed) {
  KubeObject object = AnObject();
  object["spec"]["notAfter"] = "2026-11-22T04:00:00Z";
  api.Put(kEtcdRestores, object);
  std::string advice;
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    advice = input.request.how_to_approve;
    EXPECT_EQ(input.request.how_to_take_over.find("--"), std::string::npos)
        << "no flag of the command line";
    return Ends(input, Ending::kAwaitingApproval, Terminal("AwaitingApproval", ""));
  };
  Pass();
  EXPECT_EQ(advice, "etcdrestore approve one -n recovery --plan-hash ");
  EXPECT_EQ(PauseToNext(), 30min + 1s);
  Pass();
  EXPECT_EQ(PauseToNext(), 30min + 1s) << "also a process that did not make the plan";
  clock.Advance(31min);
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Rejected");
  EXPECT_EQ(Reason(), "Expired");
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

TEST_F(ControllerRig, WithoutTheLeaseNothingIsWritten) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    guard.Revoke();
    EXPECT_EQ(input.may_act(true).error().reason, "LeaseLost");
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  const std::size_t before = Writes();
  EXPECT_NE(StatusNow()["phase"], "Succeeded");
  Pass();
  EXPECT_EQ(Writes(), before);
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
