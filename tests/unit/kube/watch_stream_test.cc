#include "operator/adapters/kube/watch_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

std::string Line(const std::string& type, const std::string& metadata = "{}") {
  return R"({"type":")" + type + R"(","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":)" +
         metadata + "}}\n";
}

class WatchStreamTest : public testing::Test {
 protected:
  WatchStream Stream(bool initial_events = false) {
    return {{clock, {}, "watch x", [this](KubeEvent event) { events.push_back(std::move(event)); }},
            initial_events};
  }
  /// "" while it is alive.
  static std::string Dead(const WatchStream& stream) {
    const Status alive = stream.Alive();
    return alive ? "" : alive.error().reason;
  }
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  std::vector<KubeEvent> events;
};

TEST_F(WatchStreamTest, MayBeQuietForItsWholeLifeBeforeItsFirstBookmark) {
  WatchStream stream = Stream();
  EXPECT_TRUE(stream.Take(Line("ADDED")));
  clock.Advance(1h);
  EXPECT_EQ(Dead(stream), "");
}

TEST_F(WatchStreamTest, IsDeadAfter170SilentSecondsOnceItHadABookmark) {
  WatchStream stream = Stream();
  EXPECT_TRUE(stream.Take(Line("BOOKMARK")));
  clock.Advance(169s);
  EXPECT_EQ(Dead(stream), "");
  EXPECT_TRUE(stream.Take(Line("MODIFIED"))) << "any event is a sign of life";
  clock.Advance(169s);
  EXPECT_EQ(Dead(stream), "");
  clock.Advance(1s);
  EXPECT_EQ(Dead(stream), "WatchSilent");
}

TEST_F(WatchStreamTest, HasHalfAMinuteForItsInitialEvents) {
  WatchStream late = Stream(true);
  clock.Advance(29s);
  EXPECT_EQ(Dead(late), "");
  EXPECT_TRUE(late.Take(Line("ADDED")));
  EXPECT_TRUE(late.Take(Line("BOOKMARK"))) << "one that is not their end";
  clock.Advance(1s);
  EXPECT_EQ(Dead(late), "InitialEventsLate");

  WatchStream whole = Stream(true);
  EXPECT_TRUE(
      whole.Take(Line("BOOKMARK", R"({"annotations":{"k8s.io/initial-events-end":"true"}})")));
  EXPECT_TRUE(events.back().initial_end);
  clock.Advance(31s);
  EXPECT_EQ(Dead(whole), "");
}

}  // namespace
}  // namespace etcdrestore
