// Half of a restore is known as such whatever its nodes do when they are looked at again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/restore/runs.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using fakes::Rig;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string>& QuietCalls() {
  static const std::vector<std::string> calls = [] {
    Rig quiet;
    EXPECT_EQ(Said(quiet.Run()), "0");
    return quiet.world.Calls();
  }();
  return calls;
}

/// Killed where the old data has just been moved on one node; its status is what a server keeps.
RunRecord KillInTheMiddle(Rig& rig) {
  const auto& calls = QuietCalls();
  const auto moved = std::find_if(calls.begin(), calls.end(), [](const std::string& call) {
    return call.find("move_aside") != std::string::npos;
  });
  rig.world.KillAfter(calls, static_cast<std::size_t>(moved - calls.begin()) + 1, false);
  RunRecord killed = rig.RunKilled();
  EXPECT_EQ(ExitCode(killed.ending), 4);
  rig.target.object.raw["status"] = ToStatus(rig.target, killed, rig.clock.Now());
  return killed;
}

/// As a status tells it.
std::string Seconds(SystemTime time) { return FormatTime(time); }

void AllAnswer(Rig& rig, bool answer) {
  for (auto& [name, node] : rig.world.nodes) node.reachable = answer;
}

RunRecord RunForFiveWaits(Rig& rig) {
  std::stop_source stop;
  int waits = 0;
  rig.on_wait = [&] {
    if (++waits == 5) stop.request_stop();
  };
  Call call;
  call.stop = stop.get_token();
  RunRecord record = rig.Run({}, call);
  rig.on_wait = nullptr;
  EXPECT_EQ(waits, 5);
  return record;
}

TEST(HalfDone, NodesThatAreAllSilentAreWaitedFor) {
  Rig rig;
  const RunRecord killed = KillInTheMiddle(rig);
  AllAnswer(rig, false);
  rig.on_wait = [&] { AllAnswer(rig, true); };
  EXPECT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.listener.notes, Contains(HasSubstr("waiting for node n1 and 3 more")));
  EXPECT_THAT(rig.world.Violations(), IsEmpty());

  Rig dark;
  (void)KillInTheMiddle(dark);
  AllAnswer(dark, false);
  const RunRecord silent = RunForFiveWaits(dark);
  EXPECT_EQ(Said(silent), "4 Interrupted") << "and not: preflight failed, nothing was changed";
  EXPECT_EQ(Seconds(silent.point_of_no_return.value()), Seconds(killed.point_of_no_return.value()));
}

TEST(HalfDone, ANodeThatSaysThatItWasNotBegunDoesNotSpeakForASilentOne) {
  Rig rig;
  rig.target.object.raw["status"] = {{"runID", rig.target.object.spec.run_id},
                                     {"pointOfNoReturn", "2026-11-22T03:02:00Z"}};
  rig.world.Of("n2").reachable = false;
  EXPECT_EQ(Said(RunForFiveWaits(rig)), "4 Interrupted");
  EXPECT_THAT(rig.world.Calls(), IsEmpty());
}

TEST(HalfDone, ACommitThatCameToNothingIsPlannedAnewOnceAllNodesSaySo) {
  Rig rig(Json::parse(R"({"approval": "Manual"})"));
  rig.target.object.raw["status"] = {{"runID", rig.target.object.spec.run_id},
                                     {"pointOfNoReturn", "2026-11-22T03:02:00Z"}};
  rig.world.Of("n2").reachable = false;
  rig.on_wait = [&] { AllAnswer(rig, true); };
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "5 AwaitingApproval");
  EXPECT_FALSE(record.point_of_no_return);
}

TEST(HalfDone, APlanOfItDoesNotWaitForItsNodes) {
  Rig rig;
  (void)KillInTheMiddle(rig);
  rig.world.Of("n3").reachable = false;
  const SystemTime before = rig.clock.Now();
  const RunRecord record = rig.Run(Asked(RunMode::kCheck));
  EXPECT_EQ(Said(record), "4 Unreachable");
  EXPECT_THAT(record.error.message, HasSubstr("n3"));
  EXPECT_LT(rig.clock.Now() - before, std::chrono::minutes(1));
}

TEST(HalfDone, AReceiptThatCannotBeReadDoesNotMakeItUntouched) {
  for (const bool told : {true, false}) {
    SCOPED_TRACE(told);
    Rig rig;
    (void)KillInTheMiddle(rig);
    if (!told) rig.target.object.raw.erase("status");
    rig.world.Of("n2").receipt = "{";
    const RunRecord record = rig.Run();
    EXPECT_EQ(Said(record), "4 ReceiptUnreadable");
    EXPECT_TRUE(record.point_of_no_return);
  }
  Rig only_told;
  only_told.target.object.raw["status"] = {{"runID", only_told.target.object.spec.run_id},
                                           {"pointOfNoReturn", "2026-11-22T03:02:00Z"}};
  only_told.world.Of("w1").receipt = "{";
  EXPECT_EQ(Said(only_told.Run()), "4 ReceiptUnreadable");
}

TEST(HalfDone, IsNotWhatFinishedAndWentDownLater) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  for (auto& [name, node] : rig.world.nodes) rig.world.StopContainer(node, "etcd");
  const RunRecord down = rig.Run();
  EXPECT_EQ(Said(down), "1 FinishedButNotUp");
  EXPECT_FALSE(down.point_of_no_return) << "nothing goes on from here";
}

TEST(HalfDone, ALookAtWhatFinishedHasNoTimelineOfItsOwn) {
  Rig rig;
  const RunRecord first = rig.Run();
  ASSERT_EQ(Said(first), "0");
  rig.target.object.raw["status"] = ToStatus(rig.target, first, rig.clock.Now());
  const RunRecord again = rig.Run();
  EXPECT_EQ(Said(again), "0");
  EXPECT_THAT(again.timeline, IsEmpty()) << "people read: nothing was done";
}

TEST(HalfDone, TheTimelineAndTheApprovalOfTheFirstProcessStay) {
  Rig rig;
  rig.MakeAlive();
  const RunRecord asked = rig.Run();
  ASSERT_EQ(Said(asked), "5 AwaitingApproval");
  rig.world.After(rig.world.CallCount() + 14, [&] { AllAnswer(rig, false); });
  const RunRecord killed = rig.RunKilled(Approved(asked.document->hash));
  ASSERT_EQ(ExitCode(killed.ending), 4);
  rig.target.object.raw["status"] = ToStatus(rig.target, killed, rig.clock.Now());
  AllAnswer(rig, true);
  const RunRecord record = rig.Run();
  ASSERT_EQ(Said(record), "0");
  ASSERT_FALSE(record.timeline.empty());
  EXPECT_EQ(record.timeline.front().phase, Phase::kPreflight);
  EXPECT_EQ(Seconds(record.timeline.front().started), Seconds(killed.timeline.front().started));
  const Json status = ToStatus(rig.target, record, rig.clock.Now());
  std::vector<std::string> approved;
  for (const Json& condition : status["conditions"]) {
    if (condition["type"] == "Approved") approved.push_back(condition["status"]);
  }
  EXPECT_THAT(approved, ElementsAre("True"));
}

TEST(HalfDone, AStatusOfTheWrongShapeTellsNothing) {
  Rig rig;
  const std::string run_id = rig.target.object.spec.run_id;
  for (const Json& status : {Json(7), Json::array({7}), Json{{"runID", 7}},
                             Json{{"runID", run_id}, {"timeline", 7}, {"pointOfNoReturn", 7}},
                             Json{{"runID", run_id}, {"timeline", {7, {{"phase", 7}}}}},
                             Json{{"runID", run_id}, {"plan", 7}, {"conditions", {7}}}}) {
    SCOPED_TRACE(status.dump());
    rig.target.object.raw["status"] = status;
    EXPECT_EQ(Said(rig.Run(Asked(RunMode::kPlan))), "0");
  }
}

}  // namespace
}  // namespace etcdrestore
