#include "operator/runtime/work_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart = SteadyTime(1h);

TEST(WorkQueue, AKeyWaitsOnlyOnce) {
  QueueState queue;
  queue.Add("a", "1", kStart);
  queue.Add("a", "1", kStart);
  EXPECT_EQ(queue.Take(kStart)->key, "a");
  EXPECT_FALSE(queue.Take(kStart));
}

TEST(WorkQueue, AddedWhileWorkedOnItComesAgainAfterwards) {
  QueueState queue;
  queue.Add("a", "1", kStart);
  (void)queue.Take(kStart);
  queue.Add("a", "1", kStart);
  EXPECT_FALSE(queue.Take(kStart)) << "never twice at once";
  queue.Done("a", kStart);
  EXPECT_EQ(queue.Take(kStart)->key, "a") << "and never lost";
}

TEST(WorkQueue, WhatIsUrgentOvertakesThousandsThatAreNot) {
  QueueState queue;
  for (const char* key : {"a", "b", "c"}) queue.Add(key, key, kStart, Urgency::kLow);
  queue.Add("x", "x", kStart);
  queue.Add("b", "b", kStart);
  EXPECT_EQ(queue.depth(), 4U);
  EXPECT_EQ(queue.Take(kStart)->key, "x");
  EXPECT_EQ(queue.Take(kStart)->key, "b") << "raised";
  queue.Done("b", kStart);
  EXPECT_EQ(queue.Take(kStart)->key, "a");
  EXPECT_EQ(queue.Take(kStart)->key, "c") << "and b does not come twice";
  EXPECT_FALSE(queue.Take(kStart));
  EXPECT_FALSE(queue.NextDue());
}

TEST(WorkQueue, AKeyOfLowUrgencyThatIsWorkedOnComesAgainOnce) {
  QueueState queue;
  queue.Add("a", "1", kStart, Urgency::kLow);
  ASSERT_TRUE(queue.Take(kStart));
  queue.Add("a", "1", kStart, Urgency::kLow);
  EXPECT_FALSE(queue.Take(kStart)) << "never twice at once";
  EXPECT_FALSE(queue.NextDue());
  queue.Done("a", kStart);
  EXPECT_EQ(*queue.NextDue(), SteadyTime::min());
  EXPECT_EQ(queue.Take(kStart)->key, "a");
  queue.Done("a", kStart);
  EXPECT_FALSE(queue.Take(kStart));
}

TEST(WorkQueue, ADelayedKeyKeepsTheEarlierTime) {
  QueueState queue;
  queue.AddAt("a", "1", kStart + 10s, kStart);
  queue.AddAt("a", "1", kStart + 5s, kStart);
  queue.AddAt("a", "1", kStart + 20s, kStart);
  EXPECT_EQ(*queue.NextDue(), kStart + 5s);
  EXPECT_FALSE(queue.Take(kStart + 4s));
  EXPECT_EQ(queue.Take(kStart + 5s)->key, "a");
}

TEST(WorkQueue, FailuresDoubleThePauseUntilForgotten) {
  QueueState queue;
  SteadyTime now = kStart;
  for (const Duration pause : {5ms, 10ms, 20ms, 40ms}) {
    queue.AddFailed("a", "1", now);
    EXPECT_EQ(*queue.NextDue() - now, pause);
    now = *queue.NextDue();
    ASSERT_TRUE(queue.Take(now));
    queue.Done("a", now);
  }
  queue.Forget("a");
  queue.AddFailed("a", "1", now);
  EXPECT_EQ(*queue.NextDue() - now, Duration(5ms));
}

TEST(WorkQueue, ThePauseEndsAtAThousandSeconds) {
  QueueState queue;
  for (int i = 0; i < 40; ++i) queue.AddFailed("a", "1", kStart);
  queue.Add("a", "1", kStart);
  (void)queue.Take(kStart);
  queue.Done("a", kStart);
  queue.AddFailed("a", "1", kStart);
  EXPECT_EQ(*queue.NextDue() - kStart, Duration(1000s));
}

TEST(WorkQueue, TellsWhatItDidAndWhatItIsDoing) {
  QueueState queue;
  queue.Add("a", "1", kStart);
  queue.Add("a", "1", kStart);
  queue.Add("b", "2", kStart);
  EXPECT_EQ(queue.Numbers(kStart).adds, 2U) << "a key that waits already is no second one";
  EXPECT_EQ(queue.Numbers(kStart).depth, 2U);
  (void)queue.Take(kStart);
  (void)queue.Take(kStart + 1s);
  const QueueNumbers busy = queue.Numbers(kStart + 5s);
  EXPECT_EQ(busy.busy, 2U);
  EXPECT_EQ(busy.unfinished, 9s);
  EXPECT_EQ(busy.longest, 5s);
  queue.AddFailed("a", "1", kStart);
  queue.Done("a", kStart);
  queue.Done("b", kStart);
  EXPECT_EQ(queue.Numbers(kStart).retries, 1U);
  EXPECT_EQ(queue.Numbers(kStart).busy, 0U);
}

TEST(WorkQueue, TheSecondOfALaneIsToldOnceAndWaits) {
  QueueState queue;
  queue.Add("a", "prod", kStart);
  queue.Add("b", "prod", kStart);
  queue.Add("c", "other", kStart);
  EXPECT_EQ(queue.Take(kStart)->held_by, "");
  const auto told = queue.Take(kStart);
  EXPECT_EQ(told->key, "b");
  EXPECT_EQ(told->held_by, "a");
  queue.Done("b", kStart);
  EXPECT_EQ(queue.Take(kStart)->key, "c") << "another lane does not wait";
  EXPECT_FALSE(queue.Take(kStart)) << "told once";
  queue.Done("a", kStart);
  const auto next = queue.Take(kStart);
  EXPECT_EQ(next->key, "b");
  EXPECT_EQ(next->held_by, "");
}

TEST(WorkQueue, AHolderThatEndsWhileTheOtherIsToldDoesNotLeaveItWaiting) {
  QueueState queue;
  queue.Add("a", "prod", kStart);
  queue.Add("b", "prod", kStart);
  (void)queue.Take(kStart);
  (void)queue.Take(kStart);
  queue.Done("a", kStart);
  queue.Done("b", kStart);
  ASSERT_TRUE(queue.NextDue());
  EXPECT_EQ(queue.Take(kStart)->held_by, "");
}

TEST(WorkQueue, AThirdThatTakesTheLaneWhileTheSecondIsToldIsWaitedFor) {
  QueueState queue;
  for (const char* key : {"a", "b", "c"}) queue.Add(key, "prod", kStart);
  ASSERT_EQ(queue.Take(kStart)->held_by, "");
  ASSERT_EQ(queue.Take(kStart)->held_by, "a");
  queue.Done("a", kStart);
  ASSERT_EQ(queue.Take(kStart)->key, "c");
  queue.Done("b", kStart);
  const auto told = queue.Take(kStart);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->key, "b");
  EXPECT_EQ(told->held_by, "c") << "what it was told is not true any more";
  queue.Done("b", kStart);
  EXPECT_FALSE(queue.Take(kStart)) << "told once";
  queue.Done("c", kStart);
  const auto next = queue.Take(kStart);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->key, "b");
  EXPECT_EQ(next->held_by, "");
}

TEST(WorkQueue, UnderAnyOrderNoKeyIsLostOrWorkedOnTwiceAtOnce) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 dice(seed);
    QueueState queue;
    SteadyTime now = kStart;
    std::map<std::string, std::string> busy;  // key -> lane when it holds it, else ""
    std::map<std::string, bool> wanted;
    const auto step = [&](bool adding) {
      const std::string key(1, static_cast<char>('a' + dice() % 12));
      const std::string lane(1, static_cast<char>('0' + (key[0] - 'a') % 3));
      const unsigned what = dice() % 4;
      now += std::chrono::milliseconds(dice() % 10);
      if (adding && what == 0) {
        queue.Add(key, lane, now);
        wanted[key] = true;
      } else if (adding && what == 1) {
        queue.AddAt(key, lane, now + std::chrono::milliseconds(dice() % 20), now);
        wanted[key] = true;
      } else if (what == 2 && !busy.empty()) {
        const std::string done = std::next(busy.begin(), dice() % busy.size())->first;
        busy.erase(done);
        queue.Done(done, now);
      } else if (auto item = queue.Take(now)) {
        ASSERT_FALSE(busy.contains(item->key));
        if (item->held_by.empty()) {
          for (const auto& [other, held] : busy) ASSERT_NE(held, item->lane) << other;
          wanted[item->key] = false;
        } else {
          ASSERT_TRUE(busy.contains(item->held_by)) << item->key << " waits for nothing";
        }
        busy[item->key] = item->held_by.empty() ? item->lane : "";
      }
    };
    for (int i = 0; i < 300; ++i) step(true);
    for (int i = 0; i < 2000; ++i) step(false);
    for (const auto& [key, still] : wanted) EXPECT_FALSE(still) << key;
  }
}

}  // namespace
}  // namespace etcdrestore
