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
    return {{kConfigMaps,
             clock,
             log,
             {},
             "watch x",
             [this](KubeEvent event) { events.push_back(std::move(event)); }},
            initial_events};
  }
  /// "" while it is alive.
  static std::string Dead(const WatchStream& stream) {
    const Status alive = stream.Alive();
    return alive ? "" : alive.error().reason;
  }
  class Lines final : public Logger {
   public:
    void Write(LogLevel, std::string_view message, const LogFields& fields) override {
      said.push_back(std::string(message) + " " + fields.front().second);
    }
    std::vector<std::string> said;
  };
  Lines log;
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

TEST_F(WatchStreamTest, AnEventOfAnUnknownTypeIsLoggedAndLeftOut) {
  WatchStream stream = Stream();
  EXPECT_TRUE(stream.Take(Line("RENAMED") + Line("ADDED")));
  EXPECT_EQ(events.size(), 1U);
  EXPECT_THAT(log.said, testing::ElementsAre("Watch event left out RENAMED"));
}

TEST_F(WatchStreamTest, AnEventOfAWrongKindIsLoggedAndLeftOut) {
  WatchStream stream = Stream();
  for (const char* object :
       {R"({"apiVersion":"v1","kind":"Secret","metadata":{"resourceVersion":"99"}})",
        R"({"apiVersion":"v2","kind":"ConfigMap"})", R"({"apiVersion":"v1"})", R"({})", "7"}) {
    for (const char* type : {"ADDED", "DELETED", "BOOKMARK"})
      EXPECT_TRUE(
          stream.Take(R"({"type":")" + std::string(type) + R"(","object":)" + object + "}"));
  }
  EXPECT_TRUE(stream.Take(R"({"type":"ADDED"})"));
  EXPECT_TRUE(stream.Take(Line("ADDED")));
  EXPECT_EQ(events.size(), 1U) << "and the stream goes on";
  EXPECT_EQ(log.said.size(), 16U);
  clock.Advance(171s);
  EXPECT_EQ(Dead(stream), "") << "a bookmark of another kind is none";
}

TEST_F(WatchStreamTest, AnErrorEventEndsIt) {
  WatchStream stream = Stream();
  const Status taken = stream.Take(
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Gone"}})");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, "Expired");
}

}  // namespace
}  // namespace etcdrestore
