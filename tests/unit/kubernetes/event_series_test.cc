#include "operator/kubernetes/event_series.h"

#include <gtest/gtest.h>

#include "operator/kubernetes/events.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

const SystemTime kNow = *ParseTime("2026-11-22T03:00:00Z");

KubeObject An(const std::string& reason, SystemTime now = kNow, const std::string& note = "words") {
  return MakeEvent(Regarding(testing_objects::Parsed(testing_objects::AnObject())),
                   {true, reason, "Look", note}, "instance", now);
}

TEST(EventSeries, TheFirstIsMadeAndTheSecondBecomesASeriesOfIt) {
  EventSeries series;
  const auto made = series.Take(An("A"), kNow);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->verb, KubeVerb::kCreate);
  EXPECT_FALSE(made->body.contains("series"));
  const auto second = series.Take(An("A", kNow + 10s, "other words"), kNow + 10s);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->verb, KubeVerb::kMerge);
  EXPECT_EQ(second->name, made->name) << "the same Event object";
  EXPECT_EQ(second->body.size(), 1U) << "only the series of an Event may change";
  EXPECT_EQ(second->body["series"]["count"], 2);
  EXPECT_EQ(second->body["series"]["lastObservedTime"], "2026-11-22T03:00:10.000000Z");
}

TEST(EventSeries, AStormIsThreeWrites) {
  EventSeries series;
  int writes = 0;
  const KubeObject event = An("A");
  for (int i = 0; i < 1000; ++i) writes += series.Take(event, kNow + i * 1ms) ? 1 : 0;
  EXPECT_EQ(writes, 2);
  EXPECT_TRUE(series.TakeQuiet(kNow + 1min).empty());
  const auto last = series.TakeQuiet(kNow + 7min);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last.front().body["series"]["count"], 1000);
  EXPECT_EQ(series.size(), 0U);
}

TEST(EventSeries, ALongOneIsWrittenEveryHalfHour) {
  EventSeries series;
  int writes = 0;
  for (auto after = 0min; after <= 60min; after += 1min)
    writes += series.Take(An("A"), kNow + after) ? 1 : 0;
  EXPECT_EQ(writes, 3) << "made, second, and after half an hour; the next is due a minute later";
}

TEST(EventSeries, AfterAQuietTimeItIsANewEvent) {
  EventSeries series;
  const auto first = series.Take(An("A"), kNow);
  const auto later = series.Take(An("A", kNow + 6min), kNow + 6min);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->verb, KubeVerb::kCreate);
  EXPECT_NE(later->name, first->name);
  EXPECT_TRUE(series.TakeQuiet(kNow + 20min).empty()) << "one is no series";
}

TEST(EventSeries, OfAnotherReasonOrObjectIsAnother) {
  EventSeries series;
  ASSERT_TRUE(series.Take(An("A"), kNow));
  EXPECT_EQ(series.Take(An("B"), kNow)->verb, KubeVerb::kCreate);
  KubeObject other = An("A");
  other["regarding"]["uid"] = "u2";
  EXPECT_EQ(series.Take(other, kNow)->verb, KubeVerb::kCreate);
}

TEST(EventSeries, RemembersNoMoreThanItMust) {
  EventSeries series;
  KubeObject event = An("R");
  for (int i = 0; i < 4200; ++i) {
    event["reason"] = "R" + std::to_string(i);
    (void)series.Take(event, kNow);
  }
  EXPECT_LE(series.size(), 4096U);
}

}  // namespace
}  // namespace etcdrestore
