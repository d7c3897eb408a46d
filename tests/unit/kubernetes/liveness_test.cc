#include "operator/kubernetes/liveness.h"

#include <gtest/gtest.h>

#include "operator/runtime/work_queue.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

class LivenessTest : public ::testing::Test {
 protected:
  fakes::VirtualClock clock{*ParseTime("2026-11-22T04:00:00Z")};
};

/// Needs ten minutes for each thing it does, and then fails.
class SlowKube final : public ForwardingKube {
 public:
  SlowKube(KubeApi& none, fakes::VirtualClock& clock) : ForwardingKube(none), clock_(clock) {}
  Result<KubeListEnd> List(const Call&, const KubeType&, const std::string&, const KubeListOptions&,
                           const std::function<void(KubeObject)>& item) override {
    for (int i = 0; i < 3; ++i) {
      clock_.Advance(10min);
      item({});
    }
    clock_.Advance(10min);
    return Transient("Unavailable", "away");
  }
  Status Watch(const Call&, const KubeType&, const std::string&, const KubeWatchOptions&,
               const std::function<void(KubeEvent)>& event) override {
    for (int i = 0; i < 3; ++i) {
      clock_.Advance(10min);
      event({});
    }
    clock_.Advance(10min);
    return Transient("Unavailable", "away");
  }

 private:
  fakes::VirtualClock& clock_;
};

TEST_F(LivenessTest, ALoopOverAServerThatIsAwayComesBack) {
  fakes::FakeKube none;
  SlowKube slow(none, clock);
  LoopTick tick(clock);
  TickingKube ticking(slow, tick);
  clock.Advance(1h);
  EXPECT_EQ(tick.Silence(), 1h);
  EXPECT_FALSE(
      ticking.List({}, {}, "", {}, [&](const KubeObject&) { EXPECT_EQ(tick.Silence(), 0s); }));
  EXPECT_EQ(tick.Silence(), 0s);
  clock.Advance(1h);
  EXPECT_FALSE(
      ticking.Watch({}, {}, "", {}, [&](const KubeEvent&) { EXPECT_EQ(tick.Silence(), 0s); }));
  EXPECT_EQ(tick.Silence(), 0s);
}

TEST_F(LivenessTest, ALoopThatHangsInWhatItWasGivenIsSilent) {
  fakes::FakeKube none;
  SlowKube slow(none, clock);
  LoopTick tick(clock);
  TickingKube ticking(slow, tick);
  (void)ticking.Watch({}, {}, "", {}, [&](const KubeEvent&) {
    clock.Advance(40min);
    EXPECT_EQ(tick.Silence(), 40min);
  });
}

/// What a probe sees of a real queue.
struct Probed {
  explicit Probed(fakes::VirtualClock& time) : clock(time) {}
  Duration Probe(std::size_t threads) {
    return watch.Neglect({queue.NextDue(), queue.Numbers().busy, threads, taken}, clock.Steady());
  }
  void Take() {
    ASSERT_TRUE(queue.Take({}));
    ++taken;
  }
  fakes::VirtualClock& clock;
  WorkQueue queue{clock};
  TakersWatch watch;
  std::uint64_t taken = 0;
};

TEST_F(LivenessTest, AKeyThatNobodyTakesWhileSomebodyIsFreeIsNeglected) {
  Probed probed(clock);
  probed.queue.Add("one", "one");
  probed.Take();
  probed.queue.Add("two", "two");
  EXPECT_EQ(probed.Probe(2), 0s);
  clock.Advance(20s);
  EXPECT_EQ(probed.Probe(2), 20s);
  clock.Advance(50s);
  EXPECT_EQ(probed.Probe(2), 70s);
  probed.Take();
  EXPECT_EQ(probed.Probe(2), 0s);
}

TEST_F(LivenessTest, WhoIsBusyNeglectsNothingHoweverLongItTakes) {
  Probed probed(clock);
  probed.queue.Add("restore", "one");
  probed.Take();
  probed.queue.Add("next", "two");
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(probed.Probe(1), 0s);
    clock.Advance(20s);
  }
}

TEST_F(LivenessTest, KeysThatAreTakenOneAfterTheOtherAreNotNeglected) {
  Probed probed(clock);
  for (int i = 0; i < 9; ++i) {
    probed.queue.Add("a" + std::to_string(i), "a" + std::to_string(i));
    probed.queue.Add("b" + std::to_string(i), "b" + std::to_string(i));
    probed.Take();
    EXPECT_EQ(probed.Probe(100), 0s) << i;
    clock.Advance(70s);
  }
}

TEST_F(LivenessTest, WhatIsNotDueOrNotToBeTakenYetIsNotNeglected) {
  Probed later(clock);
  later.queue.AddAfter("later", "one", 10min);
  Probed follower(clock);
  follower.queue.Add("of the leader", "one");
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(later.Probe(4), 0s);
    EXPECT_EQ(follower.Probe(0), 0s) << "only the leader takes";
    clock.Advance(60s);
  }
  clock.Advance(2min);
  EXPECT_EQ(later.Probe(4), 0s);
  clock.Advance(61s);
  EXPECT_EQ(later.Probe(4), 61s);
}

}  // namespace
}  // namespace etcdrestore
