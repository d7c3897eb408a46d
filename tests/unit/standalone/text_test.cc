#include "operator/cli/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ChecksText, MarksEveryVerdictAndGivesAdviceWhereItIsNeeded) {
  const std::vector<Check> checks = {{"n1", "docker", Verdict::kOk, "27.0", "unused"},
                                     {"n2", "clock", Verdict::kNote, "+3 s", "set it"},
                                     {"n3", "disk", Verdict::kFailed, "full", "make room"},
                                     {"", "snapshot", Verdict::kUnknown, "?", "look"}};
  const std::string text = ChecksText(checks, /*ascii=*/true);
  for (const char* part :
       {"ok   n1", "note n2", "FAIL n3", "???? (run)", "-> set it", "-> make room", "-> look"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("unused")));
  for (const char c : text) EXPECT_LT(static_cast<unsigned char>(c), 128);
  EXPECT_NE(ChecksText(checks, /*ascii=*/false), text);
}

TEST(PlanText, SaysWhatIsDestroyedKeptAndLost) {
  PlanDocument plan;
  plan.hash = "0123456789abcdef";
  plan.strategy = "Rebuild";
  plan.reason = "n1 is new";
  plan.destroys = {"containers"};
  plan.keeps = {"old data"};
  plan.loses = {"12 writes"};
  plan.approval_reason = "it lives";
  const std::string text = PlanText(plan);
  for (const char* part :
       {"Plan 0123456789abcdef", "strategy Rebuild (n1 is new)", "destroys:", "- containers",
        "keeps:", "- old data", "loses:", "- 12 writes", "needs approval: it lives"})
    EXPECT_THAT(text, HasSubstr(part));
  plan.approval_reason = "";
  plan.loses.clear();
  EXPECT_THAT(PlanText(plan), Not(HasSubstr("needs approval")));
  EXPECT_THAT(PlanText(plan), Not(HasSubstr("loses")));
}

SessionResult AResult(Ending ending) {
  SessionResult result;
  result.ending = ending;
  if (ending != Ending::kDone) result.error = Terminal("Reason", "what happened");
  result.status = nlohmann::ordered_json::parse(R"({
    "progress": "6/6", "startTime": "2026-11-22T06:12:00Z",
    "snapshot": {"name": "snap", "source": "s3", "takenAt": "2026-11-22T03:00:00Z",
                 "revision": 202, "liveKeys": 182, "sha256": "abc"},
    "plan": {"strategy": "InPlace"},
    "nodes": [{"name": "n1", "oldDataPath": "/var/lib/etcd-before-r1",
               "member": {"id": "8eb7", "revision": 1000000202, "hashKV": 42}},
              {"name": "w1"}],
    "timeline": [{"phase": "Preflight"}, {"phase": "Cleaned"}]})");
  result.took = {{"Preflight", std::chrono::milliseconds(1500)},
                 {"Cleaned", std::chrono::milliseconds(2500)}};
  result.way_back = {{"n1", {"docker stop etcd", "mv a b"}}};
  return result;
}

TEST(ResultText, OfADoneRunTellsWhatWasVerifiedAndTheWayBack) {
  const std::string text = ResultText(AResult(Ending::kDone), RunMode::kRun, "etcdrestore run");
  for (const char* part :
       {"DONE", "snap from s3", "taken 2026-11-22T03:00:00Z, 3 h 12 min before",
        "revision 202, 182 keys", "4.0 s", "Preflight", "member 8eb7 revision 1000000202 hashKV 42",
        "/var/lib/etcd-before-r1", "docker stop etcd"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(ResultText, OfARunThatFinishedEarlierSaysSo) {
  SessionResult result = AResult(Ending::kDone);
  result.message = "this run finished at 2026-11-22T04:00:00Z";
  result.status["timeline"].clear();
  EXPECT_THAT(ResultText(result, RunMode::kRun, "c"), HasSubstr("this run finished at 2026-11-22"));
}

TEST(ResultJson, HoldsAllThatThePersonIsTold) {
  SessionResult result = AResult(Ending::kNeedsAttention);
  result.where_things_stand = "n1 stopped";
  auto json = ResultJson(result);
  EXPECT_EQ(json.at("exitCode"), 4);
  EXPECT_EQ(json.at("reason"), "Reason");
  EXPECT_EQ(json.at("message"), "what happened");
  EXPECT_EQ(json.at("wayBack").at("n1").at(1), "mv a b");
  EXPECT_EQ(json.at("whereThingsStand"), "n1 stopped");
  EXPECT_EQ(json.at("status").at("snapshot").at("revision"), 202);
  result = AResult(Ending::kDone);
  result.message = "restored";
  result.old_data_until = "2026-11-29T04:00:00Z";
  json = ResultJson(result);
  EXPECT_EQ(json.at("reason"), "");
  EXPECT_EQ(json.at("message"), "restored");
  EXPECT_EQ(json.at("oldDataUntil"), "2026-11-29T04:00:00Z");
}

TEST(BytesText, IsInUnitsThatAPersonReads) {
  EXPECT_EQ(BytesText("x", 120'600'000, 900'000'000), "x: 120 of 900 MB (13 %)");
  EXPECT_EQ(BytesText("x", 0, 9'999'999), "x: 0 of 9999 kB (0 %)");
  EXPECT_EQ(BytesText("x", 5, 9), "x: 5 of 9 bytes (55 %)");
  EXPECT_EQ(BytesText("x", 45'000'000, 0), "x: 45 MB");
  EXPECT_EQ(BytesText("x", 10, 9), "x: 10 of 9 bytes (100 %)");
}

TEST(ResultText, RemindsOfReplacedNodes) {
  SessionResult result = AResult(Ending::kDone);
  result.reminders = {"node n3 was replaced"};
  EXPECT_THAT(ResultText(result, RunMode::kRun, "c"), HasSubstr("Remember   node n3 was replaced"));
  EXPECT_THAT(ResultText(result, RunMode::kPlan, "c"), Not(HasSubstr("Remember")));
}

TEST(ResultText, SaysFromWhenOldDataMayGoAndHow) {
  SessionResult result = AResult(Ending::kDone);
  EXPECT_THAT(ResultText(result, RunMode::kRun, "c"), Not(HasSubstr("rm -rf")));
  result.old_data_until = "2026-11-29T04:00:00Z";
  const std::string text = ResultText(result, RunMode::kRun, "c");
  for (const char* part : {"From 2026-11-29T04:00:00Z on", "rm -rf", "/var/lib/etcd-before-r1"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(ResultText, OfABadEndGivesTheCauseAndTheCommandToGoOn) {
  SessionResult result = AResult(Ending::kNeedsAttention);
  result.where_things_stand = "  node n1: stage committed\n";
  const std::string text = ResultText(result, RunMode::kRun, "etcdrestore run -f x");
  for (const char* part : {"POINT OF NO RETURN", "Reason: what happened",
                           "node n1: stage committed", "etcdrestore run -f x", "mv a b"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(ResultText, SaysThatNothingWasChangedWhereThatIsTrue) {
  for (const Ending ending :
       {Ending::kRejected, Ending::kPreflightFailed, Ending::kAwaitingApproval, Ending::kLocked,
        Ending::kCancelled, Ending::kDeadline, Ending::kInterrupted}) {
    EXPECT_THAT(ResultText(AResult(ending), RunMode::kRun, "c"), HasSubstr("nothing was changed"));
  }
  for (const Ending ending : {Ending::kDone, Ending::kFailed, Ending::kNeedsAttention}) {
    EXPECT_THAT(ResultText(AResult(ending), RunMode::kRun, "c"),
                Not(HasSubstr("nothing was changed")));
  }
}

}  // namespace
}  // namespace etcdrestore
