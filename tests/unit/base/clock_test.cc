#include "operator/base/clock.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;

TEST(ParseTime, ReadsEveryOffsetAsTheSameInstant) {
  for (const char* text :
       {"2026-11-22T03:00:00Z", "2026-11-22T05:00:00+02:00", "2026-11-21T22:00:00-05:00",
        "2026-11-22T03:00:00.000000000Z", "2026-11-22t03:00:00z"}) {
    SCOPED_TRACE(text);
    const auto time = ParseTime(text);
    ASSERT_TRUE(time);
    EXPECT_EQ(FormatTime(*time), "2026-11-22T03:00:00Z");
  }
}

TEST(ParseTime, KeepsFractions) {
  EXPECT_EQ(*ParseTime("2026-11-22T03:00:00.25Z") - *ParseTime("2026-11-22T03:00:00Z"), 250ms);
}

TEST(ParseTime, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2026-11-22", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T03:00:00", "2026-11-22T03:00:00+2", "2026-11-22T03:00:00Zx",
        "0001-01-01T00:00:00Z", "2262-01-01T00:00:00Z", "2026-11-22T03:00:00.Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(ParseDuration, ReadsGoNotation) {
  EXPECT_EQ(ParseDuration("168h"), 168h);
  EXPECT_EQ(ParseDuration("2h30m"), 150min);
  EXPECT_EQ(ParseDuration("1.5h"), 90min);
  EXPECT_EQ(ParseDuration("300ms"), 300ms);
  EXPECT_EQ(ParseDuration("0"), 0s);
}

TEST(ParseDuration, RefusesBareNumbersAndSigns) {
  for (const char* text : {"", "5", "-1h", "h", "1", "1d", "1h ", "..h", "1.2.3h"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(HumanDuration, UsesTheTwoLargestUnits) {
  EXPECT_EQ(HumanDuration(4200ms), "4.2 s");
  EXPECT_EQ(HumanDuration(192s), "3 min 12 s");
  EXPECT_EQ(HumanDuration(125min), "2 h 5 min");
  EXPECT_EQ(HumanDuration(76h), "3 d 4 h");
}

}  // namespace
}  // namespace etcdrestore
