// A run past its point of no return, with a refusal or a death of the operator at each request that
// it makes of the API in turn.
#include "tests/unit/kubernetes/controller_rig.h"

namespace etcdrestore {
namespace {

enum class Blow {
  kRefused,     ///< one answer is no, and the same process goes on
  kDiesBefore,  ///< the request never arrives, and nothing of this process does after it
  kDiesAfter,   ///< it arrives, and nobody hears the answer
};

/// Deals one blow, at the request of that number.
class Struck final : public ForwardingKube {
 public:
  Struck(KubeApi& api, Blow blow, int at) : ForwardingKube(api), blow_(blow), left_(at) {}
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    if (Falls()) return Answer([&] { return ForwardingKube::Get(call, type, name); });
    return dead_ ? Dead() : ForwardingKube::Get(call, type, name);
  }
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    if (Falls()) return Answer([&] { return ForwardingKube::Write(call, write); });
    return dead_ ? Dead() : ForwardingKube::Write(call, write);
  }
  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] bool struck() const { return left_ <= 0; }

 private:
  bool Falls() { return !dead_ && left_ > 0 && --left_ == 0; }
  static Error Dead() { return Transient("LeaseLost", "this process is no more"); }
  Result<KubeObject> Answer(const std::function<Result<KubeObject>()>& pass_on) {
    if (blow_ == Blow::kRefused) return Terminal("Forbidden", "a role is missing for a moment");
    if (blow_ == Blow::kDiesAfter) (void)pass_on();
    dead_ = true;
    return Dead();
  }

  const Blow blow_;
  int left_;
  bool dead_ = false;
};

/// A cluster, the API, and operators that come and go.
class Deaths : public ControllerRig {
 protected:
  struct Process {
    Process(Deaths& test, KubeApi& through)
        : keys(test.clock),
          ledger_of(through, "ops"),
          handles({through, test.clock, seen, keys, test.guard, ledger_of, test.events,
                   NullLogger(), test,
                   [&test](const Call&, const SessionInput& input, RunListener&) {
                     return test.Restore(input);
                   },
                   "/nowhere", "rke", 1}) {}
    ObjectCache seen;
    WorkQueue keys;
    RunLedger ledger_of;
    Controller handles;
  };

  /// What a session does: what it did to the nodes it finds there again.
  SessionResult Restore(const SessionInput& input) {
    EXPECT_TRUE(Entry().finished_at.empty()) << "run again after its end";
    PassThePoint(input);
    if (!input.may_act(true))
      return Ends(input, Ending::kInterrupted, Transient("Interrupted", ""));
    EXPECT_TRUE(HasFinalizer());
    EXPECT_TRUE(HasInputs());
    EXPECT_FALSE(Entry().committed_at.empty());
    EXPECT_TRUE(StatusNow().contains("pointOfNoReturn"));
    ++destroyed;
    return Ends(input, Ending::kDone, {});
  }
  /// A cluster of its own for each scenario.
  void PutFresh(const std::string& cluster) {
    KubeObject object = testing_objects::AnObject();
    object["metadata"]["uid"] = "uid-of-" + cluster;
    object["spec"]["clusterName"] = cluster;
    api.Remove(kEtcdRestores, kName);
    api.Put(kEtcdRestores, object);
    destroyed = 0;
  }
  void PassOf(Process& process) {
    stop = {};
    for (const ObjectChange& change : process.seen.Upsert(*api.Find(kEtcdRestores, kName)))
      process.handles.Changed(change);
    process.keys.Add(kName.Key(), "lane");
    Call call;
    call.stop = stop.get_token();
    process.handles.Work(call);
  }
  [[nodiscard]] bool AtItsEnd() {
    return StatusNow().value("phase", "") == "Succeeded" && !HasFinalizer() && !HasInputs() &&
           !Entry().finished_at.empty();
  }
  /// False when the run came to its end without as many requests.
  bool Survives(Blow blow, int at) {
    PutFresh("c" + std::to_string(static_cast<int>(blow)) + "-" + std::to_string(at));
    auto through = std::make_unique<Struck>(api, blow, at);
    auto process = std::make_unique<Process>(*this, *through);
    bool struck = false;
    for (int pass = 0; pass < 6 && (pass == 0 || !AtItsEnd()); ++pass) {
      PassOf(*process);
      struck = struck || through->struck();
      if (!through->dead()) continue;
      process.reset();
      through = std::make_unique<Struck>(api, blow, kNever);
      process = std::make_unique<Process>(*this, *through);
    }
    EXPECT_TRUE(AtItsEnd()) << StatusNow().dump();
    EXPECT_GE(destroyed, 1);
    return struck;
  }
  static constexpr int kNever = 1'000'000;
  int destroyed = 0;
};

TEST_F(Deaths, AtAnyRequestTheRunComesToOneEndAndLeavesNothingBehind) {
  for (const auto& [blow, name] : {std::pair{Blow::kRefused, "refused"},
                                   {Blow::kDiesBefore, "dies before"},
                                   {Blow::kDiesAfter, "dies after"}}) {
    int at = 1;
    for (bool struck = true; struck && !HasFailure(); ++at) {
      SCOPED_TRACE(std::string(name) + " at request " + std::to_string(at));
      struck = Survives(blow, at);
    }
    EXPECT_GT(at, 10) << "requests of a run";
  }
}

}  // namespace
}  // namespace etcdrestore
