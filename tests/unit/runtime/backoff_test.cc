#include "operator/runtime/backoff.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesToHalfAMinuteAndBeginsAnewAfterTwoQuietMinutes) {
  Backoff backoff([] { return 0.0; });
  SteadyTime now{};
  for (const Duration wanted : {800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms})
    EXPECT_EQ(backoff.Next(now += 1s), wanted);
  EXPECT_EQ(backoff.Next(now += 121s), 800ms);
}

TEST(Backoff, JitterIsAtMostTheSameAgain) {
  Backoff backoff([] { return 0.5; });
  EXPECT_EQ(backoff.Next(SteadyTime{}), 1200ms);
}

}  // namespace
}  // namespace etcdrestore
