// A plan that waits for a person, in Kubernetes mode.
#include "operator/kubernetes/remote.h"
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

/// The session stands for Preflight: it goes on when the object names the plan's hash.
class Approval : public ControllerRig {
 protected:
  Approval() {
    KubeObject object = testing_objects::AnObject();
    object["spec"]["approval"] = "Manual";
    api.Put(kEtcdRestores, object);
    run = [this](const Call&, const SessionInput& input, RunListener&) {
      const bool manual = input.object.spec.approval == ApprovalMode::kManual;
      const bool approved = !manual || input.object.spec.approved_plan == "c750b66d";
      SessionResult end = approved ? Ends(input, Ending::kDone, {})
                                   : Ends(input, Ending::kAwaitingApproval,
                                          Terminal("AwaitingApproval", "read it"));
      end.status["plan"] = {{"hash", "c750b66d"}, {"strategy", "InPlace"}, {"reason", "all"}};
      if (approved) ++done;
      return end;
    };
    Pass();
  }
  int done = 0;
};

TEST_F(Approval, TheRunWaitsAndGoesOnWhenItsPlanIsApproved) {
  EXPECT_EQ(StatusNow()["phase"], "AwaitingApproval");
  EXPECT_EQ(Reason(), "AwaitingApproval");
  EXPECT_TRUE(Entry().finished_at.empty());
  EXPECT_EQ(ended, 0) << "the run has not ended";
  Pass();
  EXPECT_EQ(runs, 1) << "nobody has said anything";
  const std::string hash = StatusNow()["plan"]["hash"];
  EXPECT_EQ(ApprovalProblem(*api.Find(kEtcdRestores, kName), hash), "");
  Edit("approvedPlan", hash);
  EXPECT_EQ(queue.Numbers().depth, 1U) << "the edit alone wakes it";
  Pass();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(StatusNow()["runID"], "r1") << "it is the same run";
  EXPECT_EQ(ended, 1);
}

TEST_F(Approval, AnotherHashApprovesNothing) {
  Edit("approvedPlan", "0000aaaa");
  Pass();
  EXPECT_EQ(done, 0);
  EXPECT_EQ(StatusNow()["phase"], "AwaitingApproval");
  EXPECT_EQ(StatusNow()["observedGeneration"], 2);
  Edit("approvedPlan", "c750b66d");
  Pass();
  EXPECT_EQ(done, 1);
}

TEST_F(Approval, MayBeWithheldByCancelling) {
  Cancel();
  Pass();
  EXPECT_EQ(done, 0);
  EXPECT_EQ(StatusNow()["phase"], "Cancelled");
  EXPECT_NE(ApprovalProblem(*api.Find(kEtcdRestores, kName), "c750b66d"), "");
}

}  // namespace
}  // namespace etcdrestore
