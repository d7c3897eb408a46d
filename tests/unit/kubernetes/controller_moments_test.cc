// Edits, deletions, refusals and deaths of the operator at the worst moment.
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing_objects::AnObject;
using testing_objects::HalfDoneAt;
using testing_objects::Parsed;

TEST_F(ControllerRig, ACancelBetweenTheLookAndTheRunIsHeard) {
  api.Put(kEtcdRestores, AnObject());
  bool once = true;
  api.refuse = [&](const std::string& verb, const KubeType& type, const KubeName& name) {
    if (std::exchange(once, once && !(verb == "get" && type == kSecrets && name.name == "rke")) !=
        once) {
      api.refuse = nullptr;
      Cancel();
    }
    return std::optional<Error>();
  };
  run = [](const Call& call, const SessionInput& input, RunListener&) {
    EXPECT_TRUE(call.stop.stop_requested());
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Cancelled");
}

TEST_F(ControllerRig, NothingPassesThePointOnceTheObjectAsksToEnd) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    PassThePoint(input);
    KubeObject leaving = *api.Find(kEtcdRestores, kName);
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T03:31:00Z";
    cache.Upsert(leaving);  // and nobody was told yet
    EXPECT_EQ(input.may_act(true).error().reason, "Interrupted");
    EXPECT_TRUE(input.may_act(false)) << "it must be seen that nothing was done";
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  EXPECT_FALSE(HasFinalizer());
}

TEST_F(ControllerRig, ACommitThatWasRefusedLeavesNothingBehindWhenTheRunIsCancelled) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    PassThePoint(input);
    api.refuse = [](const std::string& verb, const KubeType& type, const KubeName&) {
      return verb == "write" && type == kSecrets ? std::optional(Transient("Unavailable", ""))
                                                 : std::nullopt;
    };
    EXPECT_FALSE(input.may_act(true));
    EXPECT_TRUE(HasFinalizer());
    api.refuse = nullptr;
    Cancel();
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Cancelled");
  EXPECT_FALSE(HasFinalizer());
  EXPECT_FALSE(HasInputs());
}

TEST_F(ControllerRig, ACancelledHalfRestoreIsGivenUpAlsoByAProcessThatDidNotRunIt) {
  for (const char* phase : {"Up", "Failed"}) {
    SCOPED_TRACE(phase);
    PutHalfDone(phase);
    Cancel();
    Pass();
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(StatusNow()["phase"], "Failed");
    EXPECT_EQ(Reason(), "Cancelled");
    EXPECT_EQ(StatusNow()["pointOfNoReturn"], "2026-11-22T03:10:00Z");
    EXPECT_EQ(StatusNow()["observedGeneration"], 2);
    EXPECT_FALSE(Entry().finished_at.empty());
    EXPECT_FALSE(HasFinalizer());
    EXPECT_FALSE(HasInputs());
    const std::size_t writes = Writes();
    Pass();
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(Writes(), writes) << "and then it is quiet";
  }
}

TEST_F(ControllerRig, APausedHalfRestoreWaitsAndGoesOn) {
  PutHalfDone("Up");
  Edit("paused", true);
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(Reason(), "Paused");
  EXPECT_EQ(StatusNow()["phase"], "Up");
  EXPECT_TRUE(StatusNow().contains("pointOfNoReturn"));
  EXPECT_TRUE(HasFinalizer());
  Edit("paused", false);
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, PausingAFailedHalfRestoreDoesNotBeginItAgain) {
  PutHalfDone("Failed");
  Edit("paused", true);
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["observedGeneration"], 2);
  Edit("paused", false);
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, WhatMayPassIsTriedAgainUnderTheFinalizerUntilItPasses) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    if (runs == 1) {
      PassThePoint(input);
      EXPECT_TRUE(input.may_act(true));
      return EndsPastThePoint(input, Transient("DeadlineExceeded", "phase Up took too long"));
    }
    EXPECT_TRUE(HasFinalizer());
    EXPECT_TRUE(HasInputs());
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Up") << "it has not failed for good";
  EXPECT_EQ(ConditionField(StatusNow(), "Stalled", "status"), "True");
  EXPECT_EQ(ConditionField(StatusNow(), "Failed", "status"), "False");
  EXPECT_EQ(Reason(), "DeadlineExceeded");
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(PauseToNext(), 60s);
  Pass();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(ConditionField(StatusNow(), "Stalled", "status"), "");
  EXPECT_FALSE(HasFinalizer());
  EXPECT_FALSE(HasInputs());
}

TEST_F(ControllerRig, ABadEndForGoodKeepsWhatItNeedsUntilItIsTouchedOrDeleted) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    if (runs == 1) PassThePoint(input);
    EXPECT_TRUE(input.may_act(true));
    return EndsPastThePoint(input, Terminal("CaDiffers", "another CA"));
  };
  Pass();
  Pass();  // as the next leader would look at it
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Failed");
  EXPECT_TRUE(HasFinalizer());
  EXPECT_TRUE(HasInputs());
  Edit("notAfter", "2026-11-30T00:00:00Z");
  Pass();
  EXPECT_EQ(runs, 2) << "the same run goes on when a person has touched it";
  KubeObject leaving = *api.Find(kEtcdRestores, kName);
  leaving["metadata"]["deletionTimestamp"] = "2026-11-22T04:00:00Z";
  api.Put(kEtcdRestores, leaving);
  Pass();
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(HasFinalizer());
  EXPECT_FALSE(HasInputs()) << "keys of a run that nobody finishes stay nowhere";
}

TEST_F(ControllerRig, ADeathAfterTheRecordOfTheEndLeavesNoFinalizerAndNoKeys) {
  PutHalfDone("Restarted");
  LedgerEntry entry = Entry();
  entry.finished_at = "2026-11-22T03:20:00Z";
  entry.phase = "Succeeded";
  ASSERT_TRUE(ledger.Write({}, Object(), entry));
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_FALSE(HasFinalizer());
  EXPECT_FALSE(HasInputs());
}

TEST_F(ControllerRig, TheFinalizerStaysUntilTheCopiesAreGone) {
  PutHalfDone("Restarted");
  api.refuse = [](const std::string& verb, const KubeType& type, const KubeName&) {
    return verb == "write" && type == kSecrets ? std::optional(Transient("Unavailable", ""))
                                               : std::nullopt;
  };
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(result, "error");
  EXPECT_TRUE(HasFinalizer());
  api.refuse = nullptr;
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(HasFinalizer());
  EXPECT_FALSE(HasInputs());
}

TEST_F(ControllerRig, ANewRunIDTakesOverHalfARestoreAndEndsTheEarlierRun) {
  PutHalfDone("Up");
  const EtcdRestore before = Object();
  KubeObject next = *api.Find(kEtcdRestores, kName);
  next["spec"]["runID"] = "r2";
  next["spec"]["notAfter"] = "2026-11-22T03:29:00Z";
  next["metadata"]["generation"] = 2;
  next["metadata"]["deletionTimestamp"] = "2026-11-22T03:29:00Z";
  api.Put(kEtcdRestores, next);
  Pass();
  EXPECT_EQ(runs, 1) << "a cluster that is half restored is not left alone as expired or deleted";
  EXPECT_FALSE((*ledger.Read({}, before))->finished_at.empty());
  EXPECT_FALSE(*ledger.Inputs({}, before));
}

TEST_F(ControllerRig, ARoleThatIsMissingForAMomentEndsNothing) {
  api.Put(kEtcdRestores, AnObject());
  api.refuse = [](const std::string&, const KubeType& type, const KubeName&) {
    return type == kConfigMaps ? std::optional(Terminal("Forbidden", "no")) : std::nullopt;
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Pending");
  EXPECT_EQ(Reason(), "Forbidden");
  api.refuse = nullptr;
  Pass();
  EXPECT_EQ(runs, 1);
}

TEST_F(ControllerRig, AnInputThatCannotBeReadDoesNotEndHalfARestore) {
  PutHalfDone("Up");
  run = [](const Call&, const SessionInput&, RunListener&) {
    SessionResult unbegun;
    unbegun.error = Terminal("YamlInvalid", "cluster.yml line 3");
    return unbegun;
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Failed");
  EXPECT_EQ(Reason(), "YamlInvalid");
  EXPECT_TRUE(StatusNow().contains("pointOfNoReturn"));
  EXPECT_TRUE(Entry().finished_at.empty());
  EXPECT_TRUE(HasFinalizer());
  EXPECT_TRUE(HasInputs());
}

TEST_F(ControllerRig, AnObjectThatNeverGotToRunUsesUpItsRunID) {
  const struct {
    const char* field;
    Json value;
  } cases[] = {{"paused", true},
               {"cancel", true},
               {"notAfter", "2026-11-22T03:29:00Z"},
               {"clusterName", "prod"}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.field);
    KubeObject object = AnObject();
    object["spec"]["runID"] = one.field;
    object["spec"][one.field] = one.value;
    if (std::string(one.field) == "clusterName") api.Remove(kSecrets, {"recovery", "rke"});
    api.Put(kEtcdRestores, object);
    Pass();
    object["spec"].erase("paused");
    object["spec"].erase("cancel");
    object["spec"].erase("notAfter");
    object["metadata"]["uid"] = std::string("again-") + one.field;
    api.Put(kSecrets, testing_objects::ItsSecret());
    api.Put(kEtcdRestores, object);
    Pass();
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(Reason(), "RunIDUsed");
  }
}

TEST_F(ControllerRig, ObjectsAreLookedAtWhileAllRunsAreTaken) {
  api.Put(kEtcdRestores, AnObject());
  KubeObject other = AnObject();
  other["metadata"]["name"] = "two";
  other["metadata"]["uid"] = "u-two";
  other["spec"]["clusterName"] = "test";
  api.Put(kEtcdRestores, other);
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    const std::stop_source outer = std::exchange(stop, {});
    Hear(*api.Find(kEtcdRestores, {"recovery", "two"}));
    Call call;
    call.stop = stop.get_token();
    controller.Work(call);
    stop = outer;
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(runs, 1);
  const Json told = api.Find(kEtcdRestores, {"recovery", "two"})->at("status");
  EXPECT_EQ(told["phase"], "Pending");
  EXPECT_EQ(ConditionField(told, "Ready", "reason"), "Queued");
}

TEST_F(ControllerRig, AStatusThatCouldNotBeWrittenIsWrittenLater) {
  api.Put(kEtcdRestores, AnObject());
  Edit("paused", true);
  bool refused = false;
  api.refuse = [&](const std::string& verb, const KubeType& type, const KubeName&) {
    refused = refused || (verb == "write" && type == kEtcdRestores);
    return verb == "write" && type == kEtcdRestores ? std::optional(Terminal("Forbidden", "no"))
                                                    : std::nullopt;
  };
  Pass();
  EXPECT_TRUE(refused);
  EXPECT_EQ(result, "error");
  api.refuse = nullptr;
  Pass();
  EXPECT_EQ(Reason(), "Paused");
}

TEST_F(ControllerRig, AnEditThatChangesNothingOfAnEndIsSeen) {
  api.Put(kEtcdRestores, AnObject());
  Pass();
  Edit("notAfter", "2026-11-30T00:00:00Z");
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  const Json status = StatusNow();
  EXPECT_EQ(status["observedGeneration"], 2);
  for (const Json& condition : status["conditions"])
    EXPECT_EQ(condition["observedGeneration"], 2) << condition["type"];
}

TEST_F(ControllerRig, InputsThatNoCopyCanHoldAreRefusedBeforeAnything) {
  KubeObject secret = testing_objects::ItsSecret();
  secret["data"]["cluster.yml"] = std::string(1'400'000, 'Q');
  api.Put(kSecrets, secret);
  api.Put(kEtcdRestores, AnObject());
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(Reason(), "InputsTooLarge");
}

TEST_F(ControllerRig, ANodeThatRebootsWhileItIsFirstLookedAtEndsNothing) {
  api.Put(kEtcdRestores, AnObject());
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kPreflightFailed, Transient("PreflightFailed", "n1 is silent"));
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Preflight");
  EXPECT_EQ(ConditionField(StatusNow(), "Failed", "status"), "False");
  EXPECT_EQ(ConditionField(StatusNow(), "Reconciling", "status"), "True");
  EXPECT_EQ(ConditionField(StatusNow(), "Stalled", "status"), "");
  IsTriedUntilPreflightIsOver();
  EXPECT_EQ(runs, 3);
  EXPECT_FALSE(Entry().finished_at.empty());
}

TEST_F(ControllerRig, AnObjectThatIsDeletedWhileItRunsIsForgottenAfterItsLastWord) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    const KubeObject gone = *api.Find(kEtcdRestores, kName);
    api.Remove(kEtcdRestores, kName);
    for (const ObjectChange& change : cache.Remove(gone)) controller.Changed(change);
    input.on_status(Json{{"phase", "Preflight"}}, {});
    return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
  };
  Pass();
  EXPECT_EQ(last_heard, "gone");
}

TEST_F(ControllerRig, EachAttemptAtAPhaseIsCountedOnce) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    EXPECT_EQ(input.meter, static_cast<RunMeter*>(this));
    RunRecord record;
    record.timeline = {{Phase::kPreflight, clock.Now(), std::nullopt, 3}};
    input.on_status(Json{{"phase", "Preflight"}}, record);
    input.on_status(Json{{"phase", "Preflight"}}, record);
    record.timeline.front().finished = clock.Now();
    record.timeline.push_back({Phase::kCleaned, clock.Now(), std::nullopt, 1});
    input.on_status(Json{{"phase", "Cleaned"}}, record);
    record.ending = Ending::kNeedsAttention;
    input.on_status(Json{{"phase", "Failed"}}, record);
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(attempts, (std::vector<std::string>{"Preflight bad", "Preflight bad", "Preflight well",
                                                "Cleaned bad"}));
}

}  // namespace
}  // namespace etcdrestore
