// Two objects for one cluster, and an operator that ends while it runs one.
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing_objects::AnObject;

const KubeName kTwo{"elsewhere", "two"};

class Lane : public ControllerRig {
 protected:
  Lane() {
    api.Put(kEtcdRestores, AnObject());
    KubeObject two = AnObject();
    two["metadata"]["name"] = kTwo.name;
    two["metadata"]["namespace"] = kTwo.name_space;
    two["metadata"]["uid"] = "u-two";
    api.Put(kEtcdRestores, two);
    KubeObject secret = testing_objects::ItsSecret();
    secret["metadata"]["namespace"] = kTwo.name_space;
    api.Put(kSecrets, secret);
  }
  /// Another worker takes the other object.
  void PassTwo() {
    const std::stop_source outer = std::exchange(stop, {});
    Hear(*api.Find(kEtcdRestores, kTwo));
    Work();
    stop = outer;
  }
  /// Only what the queue gives by itself.
  void Work() {
    Call call;
    call.stop = stop.get_token();
    controller.Work(call);
  }
  [[nodiscard]] Json Two() const {
    return api.Find(kEtcdRestores, kTwo)->value("status", Json::object());
  }
};

TEST_F(Lane, OneRunsAndTheOtherSaysWhoHoldsTheCluster) {
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    if (runs == 1) {
      PassTwo();
      EXPECT_EQ(runs, 1) << "never two at the same time";
      EXPECT_EQ(Two()["phase"], "Pending");
      EXPECT_EQ(ConditionField(Two(), "Ready", "reason"), "LockedByOther");
      EXPECT_EQ(ConditionField(Two(), "Ready", "message"),
                "recovery/one restores cluster prod; this object waits for its end");
    }
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ(Two()["phase"], "Pending");
  ASSERT_EQ(queue.NextDue(), SteadyTime::min()) << "woken by the end of the other, not by a clock";
  stop = {};
  Hear(*api.Find(kEtcdRestores, kTwo));
  Work();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Two()["phase"], "Succeeded");
}

TEST_F(Lane, HalfARestoreThatMustWaitForAnotherKeepsItsPointOfNoReturn) {
  KubeObject half = *api.Find(kEtcdRestores, kTwo);
  half["status"] = testing_objects::HalfDoneAt("Cleaned")["status"];
  api.Put(kEtcdRestores, half);
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    if (runs == 1) PassTwo();
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(ConditionField(Two(), "Ready", "reason"), "LockedByOther");
  EXPECT_EQ(Two()["pointOfNoReturn"], "2026-11-22T03:10:00Z");
}

TEST_F(Lane, ARunThatTheOperatorsEndCutsShortIsGoneOnWithByTheNextLeader) {
  run = [&](const Call& call, const SessionInput& input, RunListener&) {
    if (runs > 1) return Ends(input, Ending::kDone, {});
    PassThePoint(input);
    EXPECT_TRUE(input.may_act(true));
    stop.request_stop();  // SIGTERM
    EXPECT_TRUE(call.stop.stop_requested()) << "the run hears of it";
    EXPECT_TRUE(input.may_act(true)) << "what was begun may come to its end under the Lease";
    return EndsPastThePoint(input, Transient("Interrupted", "stopped on request"));
  };
  Pass();
  EXPECT_NE(StatusNow()["phase"], "Failed");
  EXPECT_FALSE(StatusNow().contains("completionTime"));
  EXPECT_TRUE(StatusNow().contains("pointOfNoReturn"));
  EXPECT_TRUE(Entry().finished_at.empty());
  EXPECT_TRUE(HasFinalizer());
  EXPECT_TRUE(HasInputs());
  EXPECT_EQ(ended, 0);
  Pass();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_FALSE(HasFinalizer());
}

}  // namespace
}  // namespace etcdrestore
