// When a run may start, and when it may not: latches, locks, approval.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/sha256.h"
#include "tests/fakes/rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using fakes::Rig;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Said(const RunRecord& record) {
  return std::to_string(ExitCode(record.ending)) +
         (record.error.reason.empty() ? "" : " " + record.error.reason);
}

RunRequest Asked(RunMode mode) {
  RunRequest request;
  request.mode = mode;
  return request;
}
RunRequest Approved(const std::string& plan) {
  RunRequest request;
  request.approved_plan = plan;
  return request;
}
RunRequest TakingOver() {
  RunRequest request;
  request.takeover = true;
  return request;
}

/// Calls that touch more than the run's own folders.
std::vector<std::string> Touching(const Rig& rig) {
  std::vector<std::string> touching;
  for (const std::string& call : rig.world.Calls()) {
    const std::string act = call.substr(call.find(' ') + 1);
    const bool own = act == "take" || act == "release" || act == "put" || act == "restore_beside" ||
                     act == "receipt prepared";
    if (!own) touching.push_back(call);
  }
  return touching;
}

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

TEST(Gates, AnUnreachableNodeFailsPreflightBeforeAnyNodeIsTaken) {
  Rig rig;
  rig.world.Of("n3").reachable = false;
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "3 PreflightFailed");
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

/// Which of a node's own changing calls is `act`, counted from one.
std::size_t OwnCall(const std::vector<std::string>& calls, const std::string& node,
                    const std::string& act) {
  std::size_t own = 0;
  for (const std::string& call : calls) {
    own += call.starts_with(node + " ") ? 1U : 0U;
    if (call == node + " " + act) return own;
  }
  ADD_FAILURE() << node << " was never asked to " << act;
  return 0;
}

TEST(Faults, ACommitThatWroteNothingAnywhereChangedNothing) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  Rig rig(Json::parse(R"({"attempts": 1})"));
  for (const auto& [name, node] : rig.world.nodes)
    rig.world.FailOnce(name, OwnCall(quiet.world.Calls(), name, "receipt committed"));
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "3 ConnectionLost");
  EXPECT_FALSE(record.point_of_no_return);
  EXPECT_THAT(Touching(rig), IsEmpty());
  EXPECT_EQ(Said(rig.Run()), "0");
}

TEST(Faults, ACommitThatIsWrittenOrMayBeOnOneNodeNeedsAttention) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  Rig written(Json::parse(R"({"attempts": 1})"));
  written.world.FailOnce("n2", OwnCall(quiet.world.Calls(), "n2", "receipt committed"));
  const RunRecord record = written.Run();
  EXPECT_EQ(Said(record), "4 ConnectionLost");
  EXPECT_TRUE(record.point_of_no_return);
  EXPECT_EQ(Said(written.Run()), "0");

  Rig unknown(Json::parse(R"({"attempts": 1})"));
  for (const char* name : {"n1", "n2", "n3"})
    unknown.world.FailOnce(name, OwnCall(quiet.world.Calls(), name, "receipt committed"));
  const auto calls = quiet.world.Calls();
  const auto first = std::find_if(calls.begin(), calls.end(), [](const std::string& call) {
    return call.ends_with("receipt committed");
  });
  // The one commit that gets through is w1's, and then w1 is gone.
  unknown.world.After(static_cast<std::size_t>(first - calls.begin()) + 1,
                      [&] { unknown.world.Of("w1").reachable = false; });
  EXPECT_EQ(ExitCode(unknown.Run().ending), 4)
      << "a node that is not seen may have been written to";
}

TEST(Faults, ANodeThatIsAwayIsWaitedForAndNamedUntilThePhaseEnds) {
  Rig rig;
  std::size_t committed = 0;
  {
    Rig quiet;
    ASSERT_EQ(Said(quiet.Run()), "0");
    while (quiet.world.Calls()[committed].find("policies") == std::string::npos) ++committed;
  }
  rig.world.After(committed + 1, [&] { rig.world.Of("n2").reachable = false; });
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "4 DeadlineExceeded");
  EXPECT_THAT(record.error.message,
              AllOf(HasSubstr("phase Cleaned took longer than 10 min"),
                    HasSubstr("waiting for node n2 since 2026-11-22T05:00:"),
                    HasSubstr("until 2026-11-22T05:10:"), HasSubstr("deadline of phase Cleaned")));
  EXPECT_THAT(rig.listener.notes, testing::Contains(HasSubstr("waiting for node n2"))
                                      .Times(testing::Gt(rig.target.object.spec.attempts)));
  EXPECT_THAT(rig.listener.notes, testing::Each(testing::Not(HasSubstr("attempt 6 of 5"))));
  rig.world.Of("n2").reachable = true;
  EXPECT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
}

TEST(OldData, IsRemovedWhenItWasKeptLongEnoughAndNotBefore) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const auto kept = [&](const char* node) {
    return rig.world.Of(node).runs.at(rig.target.run).kept.has_value();
  };
  rig.clock.Advance(std::chrono::hours(167));
  const std::size_t calls = rig.world.CallCount();
  EXPECT_THAT(rig.Run().message, HasSubstr("Nothing was done"));
  EXPECT_EQ(rig.world.CallCount(), calls);
  rig.clock.Advance(std::chrono::hours(2));
  EXPECT_EQ(Said(rig.Run(Asked(RunMode::kCheck))), "0");
  EXPECT_EQ(rig.world.CallCount(), calls) << "check removes nothing";
  const RunRecord due = rig.Run();
  EXPECT_EQ(Said(due), "0");
  EXPECT_THAT(due.message, HasSubstr("was removed"));
  EXPECT_THAT(rig.listener.notes, testing::Contains(HasSubstr("n1: removed the old data")));
  for (const char* node : {"n1", "n2", "n3"}) {
    EXPECT_FALSE(kept(node));
    EXPECT_EQ(rig.world.Of(node).lock.holder, "");
  }
  EXPECT_THAT(rig.Run().message, HasSubstr("Nothing was done"));
}

TEST(OldData, OfAnEarlierRunGoesWithALaterOneThatIsVerified) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const std::string first = rig.target.run;
  rig.clock.Advance(std::chrono::hours(100));
  rig.Respec({{"runID", "r2"}, {"clean", {{"keepOldDataFor", "1h"}}}});
  ASSERT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept) << "the first run promised a week";
  rig.clock.Advance(std::chrono::hours(100));
  rig.Respec({{"runID", "r3"}});
  ASSERT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_FALSE(rig.world.Of("n1").runs.at(first).kept);
  EXPECT_TRUE(rig.world.Of("n1").runs.at(rig.target.run).kept);
}

TEST(OldData, StaysWhileTheNewestRunHasNotEndedWell) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const std::string first = rig.target.run;
  rig.clock.Advance(std::chrono::hours(200));
  rig.world.etcd_differs["n3"] = "bit rot";
  rig.Respec({{"runID", "r2"}});
  EXPECT_EQ(ExitCode(rig.RunToEnd().ending), 4);
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept);
  rig.Respec({});
  (void)rig.Run();
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept) << "the first run's file asked again";
}

TEST(OldData, IsNotKeptWhenNobodyWantsIt) {
  Rig rig(Json::parse(R"({"clean": {"keepOldDataFor": "0s"}})"));
  const RunRecord record = rig.Run();
  ASSERT_EQ(Said(record), "0") << record.error.message;
  EXPECT_THAT(record.document->destroys, testing::Contains(HasSubstr("n1: old etcd data")));
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
  EXPECT_FALSE(rig.world.Of("n1").runs.at(rig.target.run).kept);
  EXPECT_EQ(rig.world.Of("n1").member->run, rig.target.run);
}

TEST(Clean, RemovesEveryContainerAndKeepsVolumesOnlyWhenAsked) {
  const auto removed = [](const char* clean) {
    Rig rig(Json{{"strategy", "Rebuild"}, {"clean", Json::parse(clean)}});
    EXPECT_EQ(Said(rig.RunToEnd()), "0");
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    EXPECT_TRUE(rig.world.Of("w1").containers.contains("backup-agent"));
    std::string acts;
    for (const std::string& call : rig.world.Calls()) {
      if (call.starts_with("n1 remove")) acts += call + "\n";
    }
    return acts;
  };
  EXPECT_THAT(removed("{}"), AllOf(HasSubstr("n1 remove with volumes kubelet"),
                                   testing::Not(HasSubstr("backup-agent"))));
  EXPECT_THAT(removed(R"({"containers": "All", "volumes": "None"})"),
              AllOf(HasSubstr("n1 remove kubelet"), HasSubstr("backup-agent")));
}

/// What brought the etcd image to n2, which lacked it: "pull", "load", with "!" for what failed.
std::string HowTheImageCame(const char* registries, const char* login, bool others_have_it) {
  Rig rig;
  const std::string image = rig.world.Of("n2").images.at(0);
  for (const auto& registry : Json::parse(registries))
    rig.target.config.private_registries.push_back(registry);
  if (login != nullptr) rig.world.registry[image] = login;
  for (auto& [name, node] : rig.world.nodes) {
    if (name == "n2" || !others_have_it) node.images.clear();
  }
  const RunRecord record = rig.Run(Asked(RunMode::kCheck));
  std::string how;
  for (const std::string& call : rig.world.Calls()) {
    if (call.starts_with("n2 pull")) how += "pull ";
    if (call == "n2 load images") how += "load ";
  }
  return how + Said(record);
}

TEST(Images, ArePulledFromTheRegistryOfClusterYmlElseSentElseAskedOfTheirOwn) {
  const char* hub = R"([{"url": "docker.io", "user": "u", "password": "p"}])";
  const char* login = R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}})";
  EXPECT_EQ(HowTheImageCame("[]", nullptr, true), "load 0");
  EXPECT_EQ(HowTheImageCame(hub, login, true), "pull 0");
  EXPECT_EQ(HowTheImageCame(hub, nullptr, true), "pull load 0") << "the registry did not give it";
  EXPECT_EQ(HowTheImageCame(hub, login, false), "pull 0");
  EXPECT_EQ(HowTheImageCame("[]", "{}", false), "pull 0");
  EXPECT_EQ(HowTheImageCame("[]", nullptr, false), "pull 3 PreflightFailed");
  EXPECT_EQ(HowTheImageCame(R"([{"url": "other.example.com"}])", "{}", true), "load 0");
}

TEST(NetworkPods, OnesThatNoDockerShowsAreReplacedThroughTheApi) {
  Rig rig;
  rig.world.network_pods = {{"canal-a", "u1", "n1", rig.clock.Seconds() - 3600, false},
                            {"canal-w", "u2", "w1", rig.clock.Seconds() - 3600, false},
                            {"canal-d", "u3", "dead", rig.clock.Seconds() - 3600, false}};
  ASSERT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.world.Calls(), testing::Contains("n1 delete_pods canal-a canal-w").Times(1));
  EXPECT_EQ(rig.world.network_pods.at(0).name, "canal-ax");
  EXPECT_EQ(rig.world.network_pods.at(2).name, "canal-d") << "its node is none of ours";
  Rig shown;
  shown.world.network_pods = {{"canal-a", "u1", "n1", shown.clock.Seconds() - 3600, false}};
  shown.world.CreateContainer(shown.world.Of("n1"), "k8s_calico-node_canal-a_kube-system_u1_0",
                              "no");
  ASSERT_EQ(Said(shown.Run()), "0");
  EXPECT_EQ(shown.world.network_pods.at(0).name, "canal-a") << "docker restarted its containers";
  EXPECT_THAT(shown.world.Calls(),
              testing::Contains(HasSubstr("n1 restart k8s_calico-node_canal-a_kube-system_u1_0")));
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
