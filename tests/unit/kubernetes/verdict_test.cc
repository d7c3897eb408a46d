#include "operator/kubernetes/verdict.h"

#include <gtest/gtest.h>

#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing_objects::AnObject;
using testing_objects::Parsed;

Json Status(const char* phase, int generation = 1, const char* run = "r1") {
  return {{"phase", phase}, {"observedGeneration", generation}, {"runID", run}};
}

Json PastThePoint(Json status) {
  status["pointOfNoReturn"] = "2026-11-22T03:10:00Z";
  return status;
}

Json ReadyReason(Json status, const char* reason) {
  status["conditions"] = Json::array({Json{{"type", "Ready"}, {"reason", reason}}});
  return status;
}

TEST(ObjectVerdicts, FollowFromTheStatus) {
  const auto inert = ObjectVerdict::kInert;
  const auto run = ObjectVerdict::kRun;
  const struct {
    const char* name;
    Json status;
    ObjectVerdict wanted;
  } cases[] = {
      {"new", Json::object(), run},
      {"pending", Status("Pending"), run},
      {"interrupted in a phase", Status("Restored"), run},
      {"succeeded", Status("Succeeded"), inert},
      {"succeeded, changed", Status("Succeeded", 0), inert},
      {"failed", Status("Failed"), inert},
      {"failed, changed, nothing destroyed", Status("Failed", 0), inert},
      {"failed half done", PastThePoint(Status("Failed")), inert},
      {"failed half done, touched by a person", PastThePoint(Status("Failed", 0)), run},
      {"half done, then another runID", PastThePoint(Status("Up", 1, "r0")), run},
      {"cancelled", Status("Cancelled", 0), inert},
      {"rejected", Status("Rejected", 0), inert},
      {"expired", ReadyReason(Status("Rejected"), "Expired"), inert},
      {"expired, later notAfter", ReadyReason(Status("Rejected", 0), "Expired"), run},
      {"awaiting approval", Status("AwaitingApproval"), ObjectVerdict::kWaits},
      {"approved", Status("AwaitingApproval", 0), run},
      {"another runID", Status("Succeeded", 1, "r0"), run},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(Judge(testing_objects::WithStatus(one.status)), one.wanted);
  }
}

TEST(ObjectVerdicts, DeletionStopsBeforeThePointOfNoReturnAndAfterTheEnd) {
  const auto judged = [](const Json& status) {
    KubeObject object = AnObject();
    object["metadata"]["deletionTimestamp"] = "2026-11-22T04:00:00Z";
    object["status"] = status;
    return Judge(Parsed(object));
  };
  EXPECT_EQ(judged(Json::object()), ObjectVerdict::kDeleted);
  EXPECT_EQ(judged(Status("Preflight")), ObjectVerdict::kDeleted);
  EXPECT_EQ(judged(PastThePoint(Status("Restored"))), ObjectVerdict::kRun)
      << "half a restore goes on";
  EXPECT_EQ(judged(PastThePoint(Status("Failed"))), ObjectVerdict::kDeleted);
  EXPECT_EQ(judged(PastThePoint(Status("Succeeded"))), ObjectVerdict::kDeleted);
}

TEST(ObjectVerdicts, HalfARestoreIsGivenUpOnceWhenItIsCancelled) {
  const auto judged = [](const Json& status) {
    KubeObject object = AnObject();
    object["spec"]["cancel"] = true;
    object["status"] = status;
    return Judge(Parsed(object));
  };
  EXPECT_EQ(judged(PastThePoint(Status("Up", 0))), ObjectVerdict::kGivenUp);
  EXPECT_EQ(judged(PastThePoint(Status("Failed", 0))), ObjectVerdict::kGivenUp);
  EXPECT_EQ(judged(ReadyReason(PastThePoint(Status("Failed", 0)), "Cancelled")),
            ObjectVerdict::kInert);
  EXPECT_EQ(judged(Status("Preflight", 0)), ObjectVerdict::kRun) << "told as cancelled there";
}

TEST(ObjectVerdicts, ARunThatAnotherRunIDReplacedIsHalfDoneUnlessItHadEnded) {
  const auto half = [](const char* phase) {
    return HalfDone(testing_objects::WithStatus(PastThePoint(Status(phase, 1, "r0"))));
  };
  EXPECT_TRUE(half("Up"));
  EXPECT_FALSE(half("Failed"));
  EXPECT_FALSE(half("Succeeded"));
}

TEST(Aftermaths, InPreflightWhatMayPassIsTriedAgainWhileThereIsTime) {
  const Error silent = Transient("PreflightFailed", "");
  EXPECT_EQ(After(Ending::kPreflightFailed, silent, {.early = true}).again, 20s);
  EXPECT_FALSE(After(Ending::kPreflightFailed, silent, {.early = true}).finished);
  EXPECT_TRUE(After(Ending::kPreflightFailed, silent, {}).finished);
  EXPECT_TRUE(After(Ending::kPreflightFailed, Terminal("X", ""), {.early = true}).finished);
}

TEST(Aftermaths, OnlyRealEndsAreFinal) {
  const Error terminal = Terminal("X", "");
  for (const Ending ending : {Ending::kDone, Ending::kFailed, Ending::kRejected,
                              Ending::kPreflightFailed, Ending::kCancelled, Ending::kDeadline})
    EXPECT_TRUE(After(ending, terminal, {}).finished);
  EXPECT_FALSE(After(Ending::kAwaitingApproval, terminal, {}).finished);
  EXPECT_EQ(After(Ending::kLocked, terminal, {}).again, 30s);
}

TEST(Aftermaths, WhatWeCutOffIsNotPublished) {
  for (const char* reason : {"Interrupted", "LeaseLost"}) {
    for (const Ending ending : {Ending::kInterrupted, Ending::kNeedsAttention}) {
      const Aftermath cut = After(ending, Transient(reason, ""), {.stopping = true});
      EXPECT_FALSE(cut.publish);
      EXPECT_FALSE(cut.finished);
    }
  }
}

TEST(Aftermaths, PastThePointWhatMayPassIsTriedAgainAndTheRestWaitsForAPerson) {
  const Aftermath passing = After(Ending::kNeedsAttention, Transient("X", ""), {});
  EXPECT_TRUE(passing.publish);
  EXPECT_EQ(passing.again, 60s);
  const Aftermath terminal = After(Ending::kNeedsAttention, Terminal("X", ""), {});
  EXPECT_FALSE(terminal.again);
  EXPECT_FALSE(terminal.finished) << "the same runID goes on when the object is touched";
}

TEST(Aftermaths, ACancelledRunEnds) {
  EXPECT_TRUE(
      After(Ending::kNeedsAttention, Transient("Interrupted", ""), {.cancel = true}).finished);
  EXPECT_EQ(After(Ending::kInterrupted, Transient("Interrupted", ""), {.cancel = true}).again, 0s);
}

}  // namespace
}  // namespace etcdrestore
