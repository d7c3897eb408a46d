// The order of the tables, and where a run stands in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

std::string At(std::span<const Step> steps, const Next& next) {
  return next.at < steps.size() ? steps[next.at].name : "end";
}

constexpr LookOptions kAll{.images = true,
                           .hash_staged = true,
                           .hash_data = true,
                           .etcd = true,
                           .api = true,
                           .kube_nodes = true,
                           .health = true};

TEST(Steps, DestructiveOnesAreNeverJudgedAgainOnceRecorded) {
  for (const StrategyKind strategy : {StrategyKind::kInPlace, StrategyKind::kRebuild}) {
    SCOPED_TRACE(StrategyName(strategy));
    View view;
    const auto steps = StepsOf(strategy);
    // Everything that a destructive step could want to do again: policies on, etcd running,
    // containers there, nothing staged, nothing kept, another member.
    for (const char* node : {"n1", "n2", "n3"}) {
      view.At(node).data = {};
      view.At(node).left_paths = {"/etc/cni"};
    }
    EXPECT_TRUE(DestructiveStepsClosed(view()));
    EXPECT_EQ(At(steps, NextStep(steps, 0, kAll, view())), "end");
    // One node short of the record, and they are open.
    view.At("w1").receipt->stage = Stage::kCommitted;
    EXPECT_FALSE(DestructiveStepsClosed(view()));
    EXPECT_EQ(At(steps, NextStep(steps, 0, kAll, view())), "PoliciesOff");
  }
}

TEST(Steps, StopAtTheFirstUnmetGoal) {
  View view;
  const auto steps = StepsOf(StrategyKind::kInPlace);
  view.Container("n1", "kube-apiserver").running = false;
  view.Container("n1", "kubelet").running = false;
  const Next next = NextStep(steps, 0, kAll, view());
  EXPECT_EQ(At(steps, next), "ApiServersStarted");
  EXPECT_EQ(Said(*next.judgement), "todo n1");
}

TEST(Steps, AskForTheLookTheyNeedAndRememberItInThisProcess) {
  View view;
  const auto steps = StepsOf(StrategyKind::kInPlace);
  const Next first = NextStep(steps, 0, {}, view());
  EXPECT_EQ(At(steps, first), "EtcdVerified");
  EXPECT_FALSE(first.judgement);
  const Next later = NextStep(steps, first.at + 1, {}, view());
  EXPECT_EQ(At(steps, later), "ApiServersReady");
  // What is cheap to see is judged again behind the frontier.
  view.Container("n2", "etcd").running = false;
  EXPECT_EQ(At(steps, NextStep(steps, steps.size() - 1, {}, view())), "EtcdStarted");
}

TEST(Steps, OrderIsSafety) {
  const auto position = [](StrategyKind strategy, const char* name) {
    const auto steps = StepsOf(strategy);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (std::string(steps[i].name) == name) return i;
    }
    return std::size_t{999};
  };
  for (const StrategyKind strategy : {StrategyKind::kInPlace, StrategyKind::kRebuild}) {
    const std::vector<const char*> order = {"Committed",         "PoliciesOff",  "WritersStopped",
                                            "EtcdStopped",       "OldDataAside", "InPlace",
                                            "Recorded",          "EtcdVerified", "ApiServersReady",
                                            "KubeletsRestarted", "Settled",      "Finished"};
    for (std::size_t i = 1; i < order.size(); ++i)
      EXPECT_LT(position(strategy, order[i - 1]), position(strategy, order[i])) << order[i];
  }
}

}  // namespace
}  // namespace etcdrestore
