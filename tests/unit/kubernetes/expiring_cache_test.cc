#include "operator/kubernetes/expiring_cache.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart(1000s);

TEST(ExpiringCache, KnowsUntilTheTimeIsOverAndNoLonger) {
  ExpiringCache<int> cache(10);
  cache.Put("one", 1, kStart + 60s);
  EXPECT_EQ(cache.Find("one", kStart + 59999ms), 1);
  EXPECT_EQ(cache.Find("one", kStart + 60s), std::nullopt);
  EXPECT_EQ(cache.Find("two", kStart), std::nullopt);
}

TEST(ExpiringCache, ANewerValueTakesThePlaceOfTheOld) {
  ExpiringCache<int> cache(1);
  cache.Put("one", 1, kStart + 60s);
  cache.Put("one", 2, kStart + 30s);
  EXPECT_EQ(cache.Find("one", kStart), 2);
  EXPECT_EQ(cache.Find("one", kStart + 30s), std::nullopt);
}

TEST(ExpiringCache, NeverHoldsMoreAndForgetsWhatWouldEndFirst) {
  ExpiringCache<int> cache(3);
  cache.Put("long", 1, kStart + 1h);
  cache.Put("short", 2, kStart + 1s);
  for (int i = 0; i < 100; ++i) {
    cache.Put("k" + std::to_string(i), i, kStart + 1min + i * 1s);
    EXPECT_LE(cache.size(), 3U);
  }
  EXPECT_EQ(cache.Find("long", kStart), 1);
  EXPECT_EQ(cache.Find("short", kStart), std::nullopt);
  EXPECT_EQ(cache.Find("k99", kStart), 99);
  EXPECT_EQ(cache.Find("k97", kStart), std::nullopt);
}

}  // namespace
}  // namespace etcdrestore
