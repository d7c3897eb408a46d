#include "reconcilers/restore/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crds/schema.h"
#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const SystemTime kNow = *ParseTime("2026-11-22T05:00:00Z");

RunRecord ARecord(const View& view, Ending ending) {
  RunRecord record;
  record.ending = ending;
  record.started = *ParseTime("2026-11-22T04:00:00Z");
  record.step = "EtcdVerified";
  record.message = "n2: etcd does not answer yet";
  record.timeline = {{Phase::kPreflight, record.started, *ParseTime("2026-11-22T04:01:00Z"), 1},
                     {Phase::kCleaned, *ParseTime("2026-11-22T04:01:00Z"), std::nullopt, 2}};
  record.plan = view.plan;
  record.seen = view.seen;
  record.verified["n1"] = *view.seen.facts.at("n1").etcd;
  record.host_keys = {{"n1", "SHA256:abc"}};
  if (ending != Ending::kRunning && ending != Ending::kDone)
    record.error = Terminal("SomeReason", "what happened and what to do");
  return record;
}

std::string ConditionOf(const Json& status, const std::string& type) {
  for (const Json& condition : status.at("conditions")) {
    if (condition.at("type") == type)
      return condition.at("status").get<std::string>() + " " +
             condition.at("reason").get<std::string>();
  }
  return "absent";
}

TEST(ExitCodes, AreThoseOfTheManual) {
  const std::vector<std::pair<Ending, int>> codes = {
      {Ending::kDone, 0},           {Ending::kFailed, 1},
      {Ending::kRejected, 2},       {Ending::kPreflightFailed, 3},
      {Ending::kNeedsAttention, 4}, {Ending::kAwaitingApproval, 5},
      {Ending::kLocked, 6},         {Ending::kCancelled, 7},
      {Ending::kDeadline, 124},     {Ending::kInterrupted, 130}};
  for (const auto& [ending, code] : codes) EXPECT_EQ(ExitCode(ending), code);
}

TEST(Status, ProgressCountsPhasesAndNodes) {
  View view;
  RunRecord record = ARecord(view, Ending::kRunning);
  record.nodes_to_go = 1;
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "1/6 3/4 nodes");
  record.nodes_to_go = 0;
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "1/6");
  record = ARecord(view, Ending::kNeedsAttention);
  record.nodes_to_go = 2;
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "1/6");
}

TEST(Status, CountsAttemptsWhereThereWereSome) {
  View view;
  RunRecord record = ARecord(view, Ending::kRunning);
  record.attempts = {{"n2", 3}};
  const Json nodes = ToStatus(view.target, record, kNow).at("nodes");
  EXPECT_FALSE(nodes[0].contains("attempts"));
  EXPECT_EQ(nodes[1].at("attempts"), 3);
}

TEST(Status, SummariesFollowTheEnding) {
  const struct {
    Ending ending;
    const char* phase;
    const char* succeeded;
    const char* failed;
    const char* reconciling;
    const char* stalled;
  } cases[] = {
      {Ending::kRunning, "Cleaned", "Unknown InProgress", "False InProgress", "True EtcdVerified",
       "absent"},
      {Ending::kDone, "Succeeded", "True Verified", "False Verified", "absent", "absent"},
      {Ending::kFailed, "Failed", "False SomeReason", "True SomeReason", "absent",
       "True SomeReason"},
      {Ending::kPreflightFailed, "Failed", "False SomeReason", "True SomeReason", "absent",
       "True SomeReason"},
      {Ending::kNeedsAttention, "Failed", "False SomeReason", "True SomeReason", "absent",
       "True SomeReason"},
      {Ending::kRejected, "Rejected", "False SomeReason", "True SomeReason", "absent",
       "True SomeReason"},
      {Ending::kAwaitingApproval, "AwaitingApproval", "Unknown SomeReason", "False SomeReason",
       "True SomeReason", "absent"},
      {Ending::kLocked, "Pending", "Unknown SomeReason", "False SomeReason", "True SomeReason",
       "absent"},
      {Ending::kInterrupted, "Pending", "Unknown SomeReason", "False SomeReason", "True SomeReason",
       "absent"},
      {Ending::kCancelled, "Cancelled", "False SomeReason", "True SomeReason", "absent",
       "True SomeReason"},
  };
  const View view;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.phase);
    const Json status = ToStatus(view.target, ARecord(view, one.ending), kNow);
    EXPECT_EQ(status.at("phase"), one.phase);
    EXPECT_EQ(ConditionOf(status, "Succeeded"), one.succeeded);
    EXPECT_EQ(ConditionOf(status, "Ready"), one.succeeded);
    EXPECT_EQ(ConditionOf(status, "Failed"), one.failed);
    // kstatus: one of the two and never both, or people and pipelines wait for nothing.
    EXPECT_EQ(ConditionOf(status, "Reconciling"), one.reconciling);
    EXPECT_EQ(ConditionOf(status, "Stalled"), one.stalled);
  }
}

TEST(Status, EveryConditionHasWhatKubernetesDemands) {
  const View view;
  for (const Ending ending : {Ending::kRunning, Ending::kDone, Ending::kNeedsAttention}) {
    const Json status = ToStatus(view.target, ARecord(view, ending), kNow);
    for (const Json& condition : status.at("conditions")) {
      SCOPED_TRACE(condition.dump());
      EXPECT_NE(condition.at("reason"), "");
      EXPECT_THAT(condition.at("status").get<std::string>(),
                  testing::AnyOf("True", "False", "Unknown"));
      EXPECT_EQ(condition.at("observedGeneration"), 3);
      EXPECT_TRUE(ParseTime(condition.at("lastTransitionTime").get<std::string>()));
    }
  }
}

TEST(Status, PhasesAreConditions) {
  const View view;
  const Json running = ToStatus(view.target, ARecord(view, Ending::kRunning), kNow);
  EXPECT_EQ(ConditionOf(running, "Preflight"), "True Observed");
  EXPECT_EQ(ConditionOf(running, "Cleaned"), "Unknown EtcdVerified");
  EXPECT_EQ(ConditionOf(running, "Up"), "Unknown NotStarted");
  const Json bad = ToStatus(view.target, ARecord(view, Ending::kNeedsAttention), kNow);
  EXPECT_EQ(ConditionOf(bad, "Cleaned"), "False SomeReason");
}

TEST(Status, ProgressCountsPhasesThatNeededNoAct) {
  const View view;
  RunRecord record = ARecord(view, Ending::kRunning);
  // Fetched was met when it was looked at: it has no span.
  record.timeline.back().finished = kNow;
  record.timeline.push_back({Phase::kRestored, kNow, std::nullopt, 1});
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "3/6");
  EXPECT_EQ(ConditionOf(ToStatus(view.target, record, kNow), "Fetched"), "True Observed");
  record.timeline = {{Phase::kRestarted, kNow, kNow, 1}};
  record.ending = Ending::kDone;
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "6/6");
}

TEST(Status, OfARunThatWasFinishedEarlierHasAllPhases) {
  const View view;
  RunRecord record = ARecord(view, Ending::kDone);
  record.timeline.clear();
  const Json status = ToStatus(view.target, record, kNow);
  EXPECT_EQ(status.at("progress"), "6/6");
  EXPECT_EQ(ConditionOf(status, "Cleaned"), "True Observed");
}

TEST(Status, OfAPlanHasOnePhaseAndNoMore) {
  const View view;
  RunRecord record = ARecord(view, Ending::kDone);
  record.timeline.pop_back();
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("progress"), "1/6");
  EXPECT_EQ(ConditionOf(ToStatus(view.target, record, kNow), "Cleaned"), "Unknown NotStarted");
}

TEST(Status, PassesTheSchemaAtEveryEnding) {
  const View view;
  const Json& schema = ObjectSchema()["properties"]["status"];
  for (int ending = 0; ending <= static_cast<int>(Ending::kInterrupted); ++ending) {
    SCOPED_TRACE(ending);
    RunRecord record = ARecord(view, static_cast<Ending>(ending));
    record.message = std::string(200, 'x');
    for (const Fault& fault : CheckSchema(ToStatus(view.target, record, kNow), schema, "status"))
      ADD_FAILURE() << fault.Text();
  }
}

TEST(Status, APhaseThatAnEarlierProcessFinishedIsTrue) {
  const View view;
  RunRecord record = ARecord(view, Ending::kRunning);
  record.point_of_no_return = kNow;
  record.timeline = {{Phase::kUp, record.started, std::nullopt, 1}};
  const Json running = ToStatus(view.target, record, kNow);
  EXPECT_EQ(ConditionOf(running, "Restored"), "True Observed");
  EXPECT_EQ(ConditionOf(running, "Restarted"), "Unknown NotStarted");
  EXPECT_THAT(running.at("progress"), StartsWith("4/6"));
  record.timeline.clear();
  EXPECT_THAT(ToStatus(view.target, record, kNow).at("progress"), StartsWith("1/6"));
  record.ending = Ending::kDone;
  const Json done = ToStatus(view.target, record, kNow);
  EXPECT_EQ(ConditionOf(done, "Restarted"), "True Observed");
  EXPECT_THAT(done.at("progress"), StartsWith("6/6"));
}

TEST(Status, KeepsThePlanOfAnEarlierProcessOfTheRun) {
  View view;
  const RunRecord record = ARecord(view, Ending::kRunning);
  Json& earlier = view.target.object.raw["status"];
  earlier = {{"runID", view.target.object.spec.run_id}, {"plan", {{"strategy", "Rebuild"}}}};
  EXPECT_EQ(ToStatus(view.target, record, kNow).at("plan").at("strategy"), "Rebuild");
  earlier["runID"] = "another";
  EXPECT_FALSE(ToStatus(view.target, record, kNow).contains("plan"));
}

TEST(Status, TellsSnapshotNodesAndTimeline) {
  View view;
  view.seen.facts.erase("n3");
  RunRecord record = ARecord(view, Ending::kNeedsAttention);
  record.seen.errors.emplace("n3", Transient("Unreachable", "no route to n3"));
  const Json status = ToStatus(view.target, record, kNow);
  EXPECT_EQ(status.at("runID"), "r1");
  EXPECT_EQ(status.at("snapshot").at("sha256"), fakes::ASnapshotFacts().sha256);
  EXPECT_EQ(status.at("snapshot").at("bumpedBy"), 1'000'000'000);
  const Json& nodes = status.at("nodes");
  EXPECT_EQ(nodes.at(0).at("hostKeyFingerprint"), "SHA256:abc");
  EXPECT_EQ(nodes.at(0).at("phase"), "finished");
  EXPECT_EQ(nodes.at(0).at("member").at("hashKV"), 42);
  EXPECT_EQ(nodes.at(0).at("oldDataPath"), "/var/lib/etcd-before-" + view.target.run);
  EXPECT_EQ(nodes.at(2).at("phase"), "Unknown");
  EXPECT_EQ(nodes.at(2).at("message"), "no route to n3");
  EXPECT_FALSE(nodes.at(3).contains("oldDataPath")) << "a worker has none";
  EXPECT_EQ(status.at("timeline").at(1).at("result"), "Stopped");
  EXPECT_EQ(status.at("timeline").at(1).at("attempts"), 2);
}

TEST(Status, ANodeOfAnotherRunIsUntouched) {
  View view;
  view.At("n1").receipt->run_key = "other";
  const Json status = ToStatus(view.target, ARecord(view, Ending::kRunning), kNow);
  EXPECT_EQ(status.at("nodes").at(0).at("phase"), "untouched");
  EXPECT_FALSE(status.at("nodes").at(0).contains("oldDataPath"));
}

TEST(WhereThingsStandText, NamesEveryNodeAndWhatRunsThere) {
  View view;
  view.Container("n1", "kube-apiserver").running = false;
  view.Remove("n2", "etcd");
  view.seen.facts.erase("n3");
  const std::string text = WhereThingsStand(view.target, ARecord(view, Ending::kNeedsAttention));
  EXPECT_THAT(text, HasSubstr("node n1: stage finished, etcd running, kube-apiserver stopped"));
  EXPECT_THAT(text, HasSubstr("node n2: stage finished, etcd absent"));
  EXPECT_THAT(text, HasSubstr("node n3: not seen"));
  EXPECT_THAT(text, HasSubstr("old data in /var/lib/etcd-before-"));
  EXPECT_THAT(text.substr(text.find("node w1")), Not(HasSubstr("etcd running")));
}

}  // namespace
}  // namespace etcdrestore
