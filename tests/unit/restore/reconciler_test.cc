// When a run may start, and when it may not: latches, locks, approval.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/sha256.h"
#include "tests/unit/restore/runs.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using fakes::Rig;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Latch, AFinishedRunIsLookedAtAndNothingIsDone) {
  Rig rig;
  const RunRecord first = rig.Run();
  ASSERT_EQ(Said(first), "0");
  EXPECT_EQ(first.message, "the cluster is restored and verified");
  const std::size_t calls = rig.world.CallCount();
  const RunRecord again = rig.Run();
  EXPECT_EQ(Said(again), "0");
  EXPECT_THAT(again.message, HasSubstr("finished at 2026-11-22T0"));
  EXPECT_EQ(rig.world.CallCount(), calls);
  for (auto& [name, node] : rig.world.nodes) rig.world.StopContainer(node, "etcd");
  const RunRecord down = rig.Run();
  EXPECT_EQ(Said(down), "1 FinishedButNotUp");
  EXPECT_THAT(down.error.message, HasSubstr("new runID"));
  EXPECT_EQ(rig.world.CallCount(), calls);
}

TEST(Latch, AFinishedRunIsKnownFromTheArchiveToo) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  for (auto& [name, node] : rig.world.nodes) node.receipt.clear();
  const std::size_t calls = rig.world.CallCount();
  EXPECT_EQ(Said(rig.Run()), "0");
  EXPECT_EQ(rig.world.CallCount(), calls);
}

TEST(Latch, TheSameRunIDWithAnotherSpecIsRejected) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  rig.Respec({{"clean", {{"workers", true}}}});
  EXPECT_EQ(Said(rig.Run()), "2 RunIDReused");
  rig.Respec({{"clean", {{"keepOldDataFor", "1h"}}}});
  EXPECT_EQ(Said(rig.Run()), "0");
}

TEST(Latch, ASpecChangedBeforeThePointOfNoReturnIsPlannedAnew) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run(Asked(RunMode::kPlan))), "0");
  rig.Respec({{"clean", {{"workers", true}}}});
  EXPECT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_EQ(Said(rig.Run()), "0") << "the receipts are of the spec that was carried out";
}

TEST(Latch, AnUnreadableReceiptBlocks) {
  for (const char* text : {"{", "{\"version\":2}"}) {
    Rig rig;
    rig.world.Of("w1").receipt = text;
    const RunRecord record = rig.Run();
    EXPECT_EQ(Said(record), "3 ReceiptUnreadable");
    EXPECT_THAT(record.error.message, HasSubstr("w1"));
    EXPECT_THAT(rig.world.Calls(), IsEmpty());
  }
}

TEST(Latch, AnotherHolderBlocksUntilItIsDeadOrSilentOrTakenOver) {
  const auto held = [](Rig& rig) {
    rig.holders_die = false;
    rig.world.Of("n2").lock = {"stranger", "prod", rig.clock.Seconds()};
  };
  Rig rig;
  held(rig);
  const RunRecord locked = rig.Run();
  EXPECT_EQ(Said(locked), "6 LockedByOther");
  EXPECT_THAT(locked.error.message, AllOf(HasSubstr("stranger"), HasSubstr("--takeover")));
  EXPECT_THAT(Touching(rig), IsEmpty());
  EXPECT_EQ(rig.world.Of("n1").lock.holder, "") << "what was taken is given back";
  EXPECT_EQ(rig.world.Of("n2").lock.holder, "stranger");
  EXPECT_EQ(Said(rig.Run(TakingOver())), "0");

  Rig dead;
  held(dead);
  dead.holders_die = true;
  EXPECT_EQ(Said(dead.Run()), "0");

  Rig silent;
  held(silent);
  silent.clock.Advance(std::chrono::seconds(61));
  EXPECT_EQ(Said(silent.Run()), "0");
}

TEST(Latch, LosingTheNodeInTheMiddleStopsTheRun) {
  Rig rig;
  rig.world.After(9, [&] { rig.world.Of("n2").lock.holder = "stranger"; });
  const RunRecord record = rig.Run();
  EXPECT_EQ(record.error.reason, "LockLost");
  EXPECT_EQ(rig.world.Of("n2").lock.holder, "stranger");
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
}

TEST(Approval, IsNeededWhileTheClusterLives) {
  Rig rig;
  rig.MakeAlive();
  const RunRecord waiting = rig.Run();
  EXPECT_EQ(Said(waiting), "5 AwaitingApproval");
  EXPECT_THAT(waiting.error.message, AllOf(HasSubstr("ready API server"), HasSubstr("writes since"),
                                           HasSubstr("--approve " + waiting.document->hash)));
  EXPECT_THAT(Touching(rig), IsEmpty());
  const RunRecord wrong = rig.Run(Approved("0123456789abcdef"));
  EXPECT_EQ(Said(wrong), "5 AwaitingApproval");
  EXPECT_THAT(wrong.error.message, HasSubstr("is for plan 0123456789abcdef"));
  EXPECT_THAT(Touching(rig), IsEmpty());
}

TEST(Approval, HoldsThoughTheClusterWasWrittenToSince) {
  Rig rig;
  rig.MakeAlive();
  const RunRecord waiting = rig.Run();
  ASSERT_EQ(Said(waiting), "5 AwaitingApproval");
  for (int i = 0; i < 50; ++i) (void)rig.Run(Asked(RunMode::kCheck));
  const RunRecord approved = rig.Run(Approved(waiting.document->hash));
  EXPECT_EQ(Said(approved), "0") << approved.error.message;
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
}

TEST(Approval, CanBeGivenInTheSpec) {
  Rig rig(Json::parse(R"({"approval": "Manual"})"));
  const RunRecord waiting = rig.Run();
  ASSERT_EQ(Said(waiting), "5 AwaitingApproval");
  rig.Respec({{"approval", "Manual"}, {"approvedPlan", waiting.document->hash}});
  EXPECT_EQ(Said(rig.Run()), "0");
}

TEST(Approval, IsForOneSnapshot) {
  Rig rig(Json::parse(R"({"approval": "Manual"})"));
  const RunRecord waiting = rig.Run();
  ASSERT_EQ(Said(waiting), "5 AwaitingApproval");
  rig.bucket.objects.clear();
  std::string other = fakes::ASnapshot();
  other.resize(other.size() - 32);
  other += std::string(512, '\0');
  const auto digest = Sha256Of(other);
  other.append(digest.begin(), digest.end());
  rig.AddSnapshot("2026-11-22T03:30:00Z_etcd", other);
  rig.world.revisions[HexSha256(other)] = fakes::ASnapshotFacts().revision;
  const RunRecord changed = rig.Run(Approved(waiting.document->hash));
  ASSERT_EQ(Said(changed), "5 AwaitingApproval") << changed.error.message;
  EXPECT_NE(changed.document->hash, waiting.document->hash);
  // And what lies beside the live data is of the snapshot that is approved now.
  EXPECT_EQ(Said(rig.Run(Approved(changed.document->hash))), "0");
  for (const char* name : {"n1", "n2", "n3"}) {
    EXPECT_THAT(rig.world.Of(name).member->content, HasSubstr(HexSha256(other).substr(0, 12)));
  }
}

TEST(Modes, CheckAndPlanNeverTouchTheCluster) {
  for (const RunMode mode : {RunMode::kCheck, RunMode::kPlan}) {
    Rig rig;
    const std::string before = rig.world.Of("n1").receipt;
    const RunRecord record = rig.Run(Asked(mode));
    EXPECT_EQ(Said(record), "0");
    EXPECT_THAT(Touching(rig), IsEmpty());
    EXPECT_FALSE(record.point_of_no_return);
    ASSERT_TRUE(record.document);
    for (const auto& [name, node] : rig.world.nodes) {
      EXPECT_EQ(node.lock.holder, "");
      if (node.member) {
        EXPECT_EQ(node.member->content, "old");
      }
    }
    EXPECT_EQ(Said(rig.Run()), "0") << "and the run itself goes on from there";
  }
}

TEST(Modes, AStoppedRunGoesOnWhenPlanIsAskedOnlyInWords) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  const auto committed = std::find_if(calls.begin(), calls.end(), [](const auto& call) {
    return call.find("move_aside") != std::string::npos;
  });
  Rig rig;
  rig.world.KillAfter(calls, static_cast<std::size_t>(committed - calls.begin()), false);
  EXPECT_EQ(ExitCode(rig.RunKilled().ending), 4);
  const std::size_t before = Touching(rig).size();
  (void)rig.Run(Asked(RunMode::kPlan));
  EXPECT_EQ(Touching(rig).size(), before);
  EXPECT_EQ(Said(rig.Run()), "0");
}

TEST(Gates, PausedCancelledAndExpiredRunsDoNothing) {
  const struct {
    const char* patch;
    const char* said;
  } cases[] = {{R"({"paused": true})", "5 Paused"},
               {R"({"cancel": true})", "7 Cancelled"},
               {R"({"notAfter": "2026-11-22T03:59:59Z"})", "2 Expired"},
               {R"({"strategy": "Runbook"})", "3 StrategyNotAvailable"}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.patch);
    Rig rig(Json::parse(one.patch));
    EXPECT_EQ(Said(rig.Run()), one.said);
    EXPECT_THAT(Touching(rig), IsEmpty());
  }
}

TEST(Gates, CancelAndExpiryDoNotStopARunPastItsPointOfNoReturn) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  for (const char* patch :
       {R"({"cancel": true})", R"({"paused": true})", R"({"notAfter": "2026-11-22T03:00:00Z"})"}) {
    SCOPED_TRACE(patch);
    Rig rig;
    rig.world.KillAfter(calls, calls.size() / 2, false);
    EXPECT_EQ(ExitCode(rig.RunKilled().ending), 4);
    rig.Respec(Json::parse(patch));
    EXPECT_EQ(Said(rig.Run()), "0");
  }
}

TEST(Resumed, AnEndAtAnyPointStillTellsThePointOfNoReturn) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  Rig rig;
  rig.world.KillAfter(calls, calls.size() / 2, false);
  ASSERT_EQ(ExitCode(rig.RunKilled().ending), 4);
  rig.target.object.raw["status"] = {{"runID", rig.target.object.spec.run_id},
                                     {"startTime", "2026-11-22T03:01:00Z"},
                                     {"pointOfNoReturn", "2026-11-22T03:02:00Z"}};
  rig.holders_die = false;
  rig.world.Of("n2").lock = {"stranger", "prod", rig.clock.Seconds()};
  const RunRecord locked = rig.Run();
  EXPECT_EQ(Said(locked), "6 LockedByOther");
  ASSERT_TRUE(locked.point_of_no_return) << "else the object would count as untouched";
  EXPECT_EQ(FormatTime(*locked.point_of_no_return), "2026-11-22T03:02:00Z");
  EXPECT_EQ(FormatTime(locked.started), "2026-11-22T03:01:00Z");
}

TEST(Gates, AnUnreachableNodeFailsPreflightBeforeAnyNodeIsTaken) {
  Rig rig;
  rig.world.Of("n3").reachable = false;
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "3 PreflightFailed");
  EXPECT_EQ(record.error.kind, ErrorKind::kTransient) << "it may be rebooting";
  EXPECT_THAT(record.error.message, HasSubstr("n3"));
  EXPECT_THAT(rig.world.Calls(), IsEmpty());
}

TEST(Gates, AStopRequestBeforeThePointOfNoReturnIsAnInterrupt) {
  Rig rig;
  std::stop_source source;
  rig.world.After(6, [&] { source.request_stop(); });
  Call call;
  call.stop = source.get_token();
  const RunRecord record = rig.Run({}, call);
  EXPECT_EQ(Said(record), "130 Interrupted");
  EXPECT_THAT(Touching(rig), IsEmpty());
  for (const auto& [name, node] : rig.world.nodes) EXPECT_EQ(node.lock.holder, "") << name;
}

TEST(Faults, ABrokenConnectionIsTriedAgain) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  for (std::size_t at = 1; at < 14; ++at) {
    SCOPED_TRACE(at);
    Rig rig;
    rig.world.FailOnce("n2", at);
    const RunRecord record = rig.RunToEnd();
    EXPECT_EQ(Said(record), "0") << record.error.message;
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    EXPECT_EQ(rig.world.EndState(), quiet.world.EndState());
  }
}

TEST(Faults, AttemptsAreCountedWhereTheyWereNeeded) {
  Rig rig;
  rig.world.FailOnce("n2", 3);
  EXPECT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_EQ(rig.listener.most_attempts.at("n2"), 2);
  EXPECT_EQ(rig.listener.most_attempts.at("n1"), 1);
}

TEST(Transfers, TellHowFarTheyAre) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const auto whole = std::pair(fakes::ASnapshot().size(), fakes::ASnapshot().size());
  EXPECT_EQ(rig.listener.bytes.at("sending the snapshot to node n2"), whole);
  EXPECT_THAT(rig.listener.bytes,
              testing::Contains(testing::Pair(testing::StartsWith("downloading snapshot"), whole)));
}

TEST(Faults, AStagedCopyThatChangedOrBecameEmptyIsSentAgain) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  for (const char* bytes : {"", "not the snapshot"}) {
    for (std::size_t at = 1; at < calls.size(); ++at) {
      if (calls[at - 1].find("stop etcd") == std::string::npos) continue;
      SCOPED_TRACE(calls[at - 1]);
      Rig rig;
      rig.world.After(at, [&] { rig.world.Of("n2").runs.at(rig.target.run).staged = bytes; });
      EXPECT_EQ(Said(rig.Run()), "0");
      EXPECT_EQ(rig.world.Of("n2").runs.at(rig.target.run).staged.size(),
                fakes::ASnapshot().size());
    }
  }
}

TEST(Faults, ARestoredCopyThatChangedAfterThePlanIsMadeAnew) {
  for (const bool receipt_too : {false, true}) {
    Rig rig;
    ASSERT_EQ(Said(rig.Run(Asked(RunMode::kPlan))), "0");
    auto& node = rig.world.Of("n2");
    auto& beside = *node.runs.at(rig.target.run).restored;
    beside.content = "changed";
    beside.db_sha256 = HexSha256("changed");
    if (receipt_too) node.receipt.clear();
    EXPECT_EQ(Said(rig.Run()), "0");
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    EXPECT_NE(node.member->content, "changed");
  }
}

TEST(Faults, CopiesThatAreOtherFilesWithTheSameContentAreEqual) {
  Rig rig;
  rig.world.Of("n2").lays_out_differently = true;
  EXPECT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
}

TEST(Faults, MembersThatDifferNeverGetAnApiServer) {
  Rig rig;
  rig.world.etcd_differs["n3"] = "bit rot";
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "4 MembersDiffer");
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
  for (const char* name : {"n1", "n2", "n3"})
    EXPECT_FALSE(rig.world.Of(name).containers.at("kube-apiserver").running) << name;
}

TEST(Wreck, ALaterRunPutsBackWhatWasThereBeforeTheFirst) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  Rig rig;
  rig.world.KillAfter(calls, calls.size() / 2, false);
  EXPECT_EQ(ExitCode(rig.RunKilled().ending), 4);
  const std::string kept = "/var/lib/etcd-before-" + rig.target.run;
  ASSERT_TRUE(rig.world.Of("n1").runs.at(rig.target.run).kept);
  // Another run, planned twice, so that its own receipt lies between it and the wreck.
  rig.Respec({{"runID", "r2"}});
  ASSERT_EQ(Said(rig.Run(Asked(RunMode::kPlan))), "0");
  rig.Respec({{"runID", "r2"}, {"clean", {{"workers", true}}}});
  const RunRecord second = rig.RunToEnd();
  EXPECT_EQ(Said(second), "0") << second.error.message;
  for (const char* name : {"n1", "n2", "n3"}) {
    SCOPED_TRACE(name);
    const auto& node = rig.world.Of(name);
    for (const char* component : {"etcd", "kube-apiserver", "kube-scheduler"})
      EXPECT_EQ(node.containers.at(component).policy, "always") << component;
    EXPECT_TRUE(node.containers.at("etcd-rolling-snapshots").running);
    EXPECT_EQ(ParseReceipt(node.receipt)->old_data_path, kept);
  }
}

TEST(Wreck, OldDataThatTheFirstRunDidNotMoveIsTheSecondRunsToKeep) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  const auto moved = std::find_if(calls.begin(), calls.end(), [](const auto& call) {
    return call.find("move_aside") != std::string::npos;
  });
  Rig rig;
  rig.world.KillAfter(calls, static_cast<std::size_t>(moved - calls.begin()), false);
  EXPECT_EQ(ExitCode(rig.RunKilled().ending), 4);
  rig.Respec({{"runID", "r2"}});
  const RunRecord second = rig.RunToEnd();
  EXPECT_EQ(Said(second), "0") << second.error.message;
  const auto& node = rig.world.Of("n1");
  EXPECT_EQ(node.runs.at(rig.target.run).kept->content, "old");
  EXPECT_EQ(ParseReceipt(node.receipt)->old_data_path, "/var/lib/etcd-before-" + rig.target.run);
}

}  // namespace
}  // namespace etcdrestore
