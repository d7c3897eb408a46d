#include "operator/adapters/http/retry.h"

#include <gtest/gtest.h>

#include <thread>

#include "operator/adapters/http/http_date.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;

Retry Scripted(std::vector<Duration>& pauses, double chance) {
  Retry retry;
  retry.wait = [&pauses](const Call&, Duration pause) -> Status {
    pauses.push_back(pause);
    return {};
  };
  retry.chance = [chance] { return chance; };
  return retry;
}

const Error kBusy = Transient("Unavailable", "busy");

TEST(Retry, DoublesThePauseUpToItsLimitWithJitterInTheUpperHalf) {
  std::vector<Duration> pauses;
  const Retry low = Scripted(pauses, 0);
  const Retry high = Scripted(pauses, 1);
  EXPECT_EQ(low.Pause(1, {}), 150ms);
  EXPECT_EQ(high.Pause(1, {}), 300ms);
  EXPECT_EQ(high.Pause(3, {}), 1200ms);
  EXPECT_EQ(high.Pause(1000, {}), 15s);
  EXPECT_EQ(high.Pause(1, 9s), 9s);
  EXPECT_EQ(high.Pause(6, 1s), 9600ms);
}

TEST(Retry, GoesOnUntilTheTriesAreUsedUp) {
  std::vector<Duration> pauses;
  const Retry retry = Scripted(pauses, 1);
  for (int failures = 1; failures < 6; ++failures)
    EXPECT_TRUE(retry.Next({}, kBusy, failures, {})) << failures;
  const Status last = retry.Next({}, kBusy, 6, {});
  EXPECT_EQ(last.error(), Transient("Unavailable", "busy (tried 6 times)"));
  EXPECT_EQ(pauses.size(), 5U);
}

TEST(Retry, NeverRepeatsATerminalError) {
  std::vector<Duration> pauses;
  const Error denied = Terminal("AccessDenied", "no");
  EXPECT_EQ(Scripted(pauses, 1).Next({}, denied, 1, {}).error(), denied);
  EXPECT_TRUE(pauses.empty());
}

TEST(Retry, DoesNotWaitLongerThanTheCallMay) {
  std::vector<Duration> pauses;
  EXPECT_EQ(Scripted(pauses, 1).Next(Call{}.Within(1h), kBusy, 1, 2h).error(), kBusy);
  EXPECT_TRUE(pauses.empty());
}

TEST(Retry, KeepsTheCauseWhenTheCallIsOver) {
  std::vector<Duration> pauses;
  Call late;
  late.deadline = SteadyTime{};
  const Error error = Scripted(pauses, 1).Next(late, kBusy, 1, {}).error();
  EXPECT_EQ(error.reason, "DeadlineExceeded");
  EXPECT_NE(error.message.find("busy"), std::string::npos);
}

TEST(Retry, TheRealWaitEndsAtOnceWhenStopped) {
  std::stop_source source;
  Call call;
  call.stop = source.get_token();
  const Retry retry = Retry::Real();
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(retry.wait(call, 1h).error().reason, "Interrupted");
  EXPECT_TRUE(retry.wait(Call{}, 1ms));
  const double chance = retry.chance();
  EXPECT_TRUE(chance >= 0 && chance < 1);
}

TEST(ParseRetryAfter, ReadsSecondsAndDates) {
  const SystemTime now = *ParseTime("2026-11-22T03:00:00Z");
  EXPECT_EQ(ParseRetryAfter("120", now), 120s);
  EXPECT_EQ(ParseRetryAfter("0", now), 0s);
  EXPECT_EQ(ParseRetryAfter("99999999999999999999", now), 1h);
  EXPECT_EQ(ParseRetryAfter("Sun, 22 Nov 2026 03:00:30 GMT", now), 30s);
  EXPECT_EQ(ParseRetryAfter("Sun, 22 Nov 2026 02:00:00 GMT", now), 0s);
  for (const char* text : {"", "-1", "soon", "1.5", "12s"})
    EXPECT_EQ(ParseRetryAfter(text, now), std::nullopt) << text;
}

TEST(ParseHttpDate, ReadsTheOneFormThatServersMaySend) {
  EXPECT_EQ(FormatTime(*ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT")), "1994-11-06T08:49:37Z");
  for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Sun, 06 Nvo 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 anF 1994 08:49:37 GMT"})
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
}

}  // namespace
}  // namespace etcdrestore
