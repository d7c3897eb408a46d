// The operator's record, the status and the nodes may know different things of one run.
#include "operator/kubernetes/api_values.h"
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing_objects::AnObject;

class Records : public ControllerRig {
 protected:
  /// Half done, and nothing but the record and the copies tells of it.
  void LoseTheStatus(const char* uid = "u1") {
    PutHalfDone("Restored");
    KubeObject bare = AnObject();
    bare["metadata"]["uid"] = uid;
    api.Put(kEtcdRestores, bare);
  }
};

TEST_F(Records, AnObjectThatLostItsStatusIsHalfDoneAllTheSame) {
  LoseTheStatus();
  Json told;
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    told = input.object.raw["status"];
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["pointOfNoReturn"], "2026-11-22T03:10:00Z");
  EXPECT_EQ(Reason(), "HalfDone");
  EXPECT_LE(PauseToNext(), 1s);
  Pass();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(told["pointOfNoReturn"], "2026-11-22T03:10:00Z") << "for nodes that are silent";
}

TEST_F(Records, CancelledItIsNotToldAsUntouched) {
  LoseTheStatus();
  Edit("cancel", true);
  Pass();
  Pass();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(StatusNow()["phase"], "Failed");
  EXPECT_EQ(Reason(), "Cancelled");
  EXPECT_TRUE(StatusNow().contains("pointOfNoReturn"));
}

TEST_F(Records, ARefusalOfAnotherSpecEndsNothingThatIsHalfDone) {
  LoseTheStatus("u2");
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kRejected, Terminal("RunIDReused", "another specification"));
  };
  Pass();
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Rejected");
  EXPECT_EQ(Entry().finished_at, "");
  EXPECT_EQ(Entry().committed_at, "2026-11-22T03:10:00Z");
  EXPECT_TRUE(HasInputs());

  const EtcdRestore before = Object();
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kDone, {});
  };
  Edit("runID", "r2");
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Succeeded");
  EXPECT_EQ((**ledger.Read({}, before)).phase, "Failed") << "another runID took its place";
  EXPECT_FALSE(*ledger.Inputs({}, before));
}

TEST_F(Records, ACommitThatCameToNothingIsTakenBack) {
  LoseTheStatus();
  run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kAwaitingApproval, Terminal("AwaitingApproval", "a plan"));
  };
  Pass();
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "AwaitingApproval");
  EXPECT_FALSE(StatusNow().contains("pointOfNoReturn"));
  EXPECT_EQ(Entry().committed_at, "");
}

TEST_F(Records, ACommitIsTakenBackThoughTheFirstWordOfItIsRefused) {
  LoseTheStatus();
  int refused = 0;
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    api.refuse = [&](const std::string& verb, const KubeType& type, const KubeName&) {
      return verb != "get" && type == kConfigMaps && ++refused == 1
                 ? std::optional(Transient("Unavailable", ""))
                 : std::nullopt;
    };
    return Ends(input, Ending::kAwaitingApproval, Terminal("AwaitingApproval", "a plan"));
  };
  Pass();
  Pass();
  api.refuse = nullptr;
  EXPECT_GE(refused, 2);
  EXPECT_EQ(Entry().committed_at, "");
}

TEST_F(Records, PatienceWithANodeIsNotSpentOnWaitingForSomethingElse) {
  api.Put(kEtcdRestores, AnObject());
  Error error = Terminal("AwaitingApproval", "a plan");
  Ending ending = Ending::kAwaitingApproval;
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, ending, error);
  };
  Pass();
  ASSERT_EQ(StatusNow()["phase"], "AwaitingApproval");
  clock.Advance(1h);
  ending = Ending::kPreflightFailed;
  error = Transient("PreflightFailed", "n1 is silent");
  Edit("approvedPlan", "0123456789abcdef");
  Pass();
  EXPECT_EQ(StatusNow()["phase"], "Preflight");
  IsTriedUntilPreflightIsOver();
}

TEST_F(Records, NothingTellsOfThePointOfNoReturnBeforeTheRecordDoes) {
  api.Put(kEtcdRestores, AnObject());
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    PassThePoint(input);
    EXPECT_TRUE(input.may_act(true));
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  std::vector<std::string> order;
  for (const KubeWrite& write : api.writes()) {
    const bool status = write.type == kEtcdRestores && write.subresource == "status";
    if (status && write.body["status"].contains("pointOfNoReturn")) order.emplace_back("status");
    if (write.type == kConfigMaps && write.body["data"]["committedAt"] != "")
      order.emplace_back("record");
  }
  ASSERT_GE(order.size(), 2U);
  EXPECT_EQ(order.front(), "record");
}

TEST_F(Records, PhasesThatAnEarlierProcessToldOfAreNotToldOfAgain) {
  PutHalfDone("Restored");
  KubeObject object = *api.Find(kEtcdRestores, kName);
  object["status"]["timeline"] = {{{"phase", "Cleaned"},
                                   {"startedAt", "2026-11-22T03:10:00Z"},
                                   {"finishedAt", "2026-11-22T03:11:00Z"}}};
  api.Put(kEtcdRestores, object);
  run = [&](const Call&, const SessionInput& input, RunListener&) {
    RunRecord record;
    record.point_of_no_return = clock.Now();
    record.timeline = {{Phase::kCleaned, clock.Now(), clock.Now(), 1},
                       {Phase::kFetched, clock.Now(), clock.Now(), 1}};
    input.on_status(StatusNow(), record);
    return Ends(input, Ending::kDone, {});
  };
  Pass();
  EXPECT_EQ(attempts, std::vector<std::string>{"Fetched well"});
}

}  // namespace
}  // namespace etcdrestore
