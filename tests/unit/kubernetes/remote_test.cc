// What `status`, `approve` and `cancel` say, from the object alone.
#include "operator/kubernetes/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_objects::AnObject;

KubeObject Awaiting() {
  KubeObject object = AnObject();
  object["status"] = KubeObject::parse(R"({
    "phase": "AwaitingApproval", "runID": "r1", "progress": "1/6",
    "startTime": "2026-11-22T03:00:05Z",
    "snapshot": {"name": "base", "source": "s3 bucket b"},
    "conditions": [{"type": "Ready", "status": "Unknown", "reason": "AwaitingApproval",
                    "message": "the cluster still has quorum"}],
    "nodes": [{"name": "n1", "phase": "staged", "message": "412 MiB"}, {"name": "n2"}],
    "plan": {"hash": "c750b66d", "strategy": "Rebuild", "reason": "n3 is replaced",
             "destroys": ["the data of n1"], "keeps": ["/var/lib/etcd-before-r1"]}})");
  return object;
}

/// The same after it went on to that phase.
KubeObject Ended(const char* phase, const char* reason) {
  KubeObject object = Awaiting();
  object["status"]["phase"] = phase;
  object["status"]["conditions"][0]["reason"] = reason;
  return object;
}

TEST(ApprovalProblem, IsNoneForThePlanThatWaits) {
  EXPECT_EQ(ApprovalProblem(Awaiting(), "c750b66d"), "");
}

TEST(ApprovalProblem, NamesThePlanThatWaitsWhenAnotherWasRead) {
  const std::string problem = ApprovalProblem(Awaiting(), "0000aaaa");
  EXPECT_THAT(problem, HasSubstr("the plan is now c750b66d, not 0000aaaa"));
  EXPECT_THAT(problem, HasSubstr("etcdrestore status"));
  EXPECT_THAT(ApprovalProblem(Awaiting(), ""), HasSubstr("--plan-hash c750b66d"));
}

TEST(ApprovalProblem, OfAnEarlierRunsPlanIsThatThereIsNoneYet) {
  KubeObject next = Awaiting();
  next["spec"]["runID"] = "r2";
  EXPECT_THAT(ApprovalProblem(next, "c750b66d"), HasSubstr("no plan for this run yet"));
  EXPECT_THAT(ApprovalProblem(AnObject(), "c750b66d"), HasSubstr("no plan for this run yet"));
}

TEST(ApprovalProblem, OfARunThatDoesNotWaitIsThatItDoesNot) {
  for (const char* phase : {"Preflight", "Up", "Succeeded", "Failed", "Cancelled"}) {
    SCOPED_TRACE(phase);
    const std::string problem = ApprovalProblem(Ended(phase, ""), "c750b66d");
    EXPECT_THAT(problem, HasSubstr("does not wait for approval"));
    EXPECT_THAT(problem, HasSubstr(phase));
  }
}

TEST(StatusText, OfARunThatWaitsShowsThePlanAndTheCommandThatApprovesIt) {
  EXPECT_EQ(StatusText(Awaiting()),
            "Name:        recovery/one\n"
            "Cluster:     prod\n"
            "Run:         r1\n"
            "Phase:       AwaitingApproval\n"
            "Progress:    1/6\n"
            "Reason:      AwaitingApproval\n"
            "Message:     the cluster still has quorum\n"
            "Snapshot:    base from s3 bucket b\n"
            "Started:     2026-11-22T03:00:05Z\n"
            "Node n1               staged       412 MiB\n"
            "Node n2                            \n"
            "Plan:        Rebuild, n3 is replaced\n"
            "Destroys:\n"
            "  the data of n1\n"
            "Keeps:\n"
            "  /var/lib/etcd-before-r1\n"
            "\n"
            "Read the plan. Then: etcdrestore approve one -n recovery --plan-hash c750b66d\n");
}

TEST(StatusText, SaysWhatComesNextByHowTheRunEnded) {
  EXPECT_THAT(StatusText(AnObject()), HasSubstr("Phase:       not looked at yet\n"));
  const std::string unchanged = StatusText(Ended("Failed", "PreflightFailed"));
  EXPECT_THAT(unchanged, HasSubstr("Nothing was changed. To try again give a new spec.runID."));
  KubeObject half = Ended("Failed", "CaDiffers");
  half["status"]["pointOfNoReturn"] = "2026-11-22T03:10:00Z";
  EXPECT_THAT(StatusText(half), HasSubstr("half restored"));
  EXPECT_THAT(StatusText(half), HasSubstr("any change of the object"));
  EXPECT_THAT(StatusText(half), Not(HasSubstr("Nothing was changed")));
  half["status"]["conditions"][0]["reason"] = "Cancelled";
  EXPECT_THAT(StatusText(half), Not(HasSubstr("any change of the object")))
      << "a cancelled run does not go on";
  EXPECT_THAT(StatusText(Ended("Succeeded", "Verified")), Not(HasSubstr("\n\n")));
}

TEST(StatusTable, HasALineForEachObjectAlsoForOneWithoutAStatus) {
  KubeObject fresh = AnObject();
  fresh["metadata"]["name"] = "two";
  EXPECT_EQ(StatusTable({Awaiting(), fresh}),
            "NAMESPACE            NAME                     CLUSTER          PHASE             RUN"
            "            REASON\n"
            "recovery             one                      prod             AwaitingApproval  r1"
            "             AwaitingApproval\n"
            "recovery             two                      prod                               r1"
            "             \n");
}

}  // namespace
}  // namespace etcdrestore
