// What the client makes of answers that a real server seldom gives.
#include "tests/integration/kube/scripted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/kube/watching.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

/// The first `refused` requests are answered with 429 and Retry-After, the others with `then`.
HttpTestServer::Handler Busy(int refused, const std::string& retry_after, const TestReply& then) {
  return [=, asked = 0](const TestRequest&) mutable {
    return asked++ < refused ? Refusal(429, "TooManyRequests", retry_after) : then;
  };
}

TEST(RetryAfter, OfAListIsWaitedForAndNothingIsGivenTwice) {
  Scripted server(Busy(1, "20", ListOf({"a", "b"})));
  std::vector<std::string> names;
  const auto end = server.api().List({}, kConfigMaps, "recovery", {}, [&](const KubeObject& item) {
    names.push_back(item["metadata"]["name"]);
  });
  EXPECT_TRUE(end);
  EXPECT_THAT(server.pauses, ElementsAre(20s));
  EXPECT_THAT(names, ElementsAre("a", "b"));
}

TEST(RetryAfter, OfAPageIsWaitedForAndThePageAlone) {
  Scripted server([asked = 0](const TestRequest& request) mutable {
    if (request.target.find("continue=") == std::string::npos) return ListOf({"a"}, "more");
    return asked++ == 0 ? Refusal(503, "ServiceUnavailable", "7") : ListOf({"b"});
  });
  int items = 0;
  EXPECT_TRUE(server.api().List({}, kConfigMaps, "recovery", {}, [&](KubeObject) { ++items; }));
  EXPECT_THAT(server.pauses, ElementsAre(7s));
  EXPECT_EQ(items, 2);
}

TEST(RetryAfter, OfAWatchIsWaitedFor) {
  Scripted server(Busy(2, "20", {.body = ""}));
  EXPECT_TRUE(server.api().Watch({}, kConfigMaps, "recovery", {"9", 60s}, [](KubeEvent) {}));
  EXPECT_THAT(server.pauses, ElementsAre(20s, 20s));
}

TEST(RetryAfter, IsHalfAMinuteAtMost) {
  Scripted server(Busy(1, "3000", ListOf({})));
  EXPECT_TRUE(server.api().List({}, kConfigMaps, "recovery", {}, [](KubeObject) {}));
  EXPECT_THAT(server.pauses, ElementsAre(30s));
}

TEST(RetryAfter, ThatOutlastsTheCallEndsItWithTheServersReason) {
  Scripted server(Busy(1, "20", ListOf({})));
  const auto listed =
      server.api().List(Call().Within(10s), kConfigMaps, "recovery", {}, [](KubeObject) {});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().reason, "TooManyRequests");
  EXPECT_THAT(server.pauses, SizeIs(0));
}

TEST(RetryAfter, IsHeardTenTimesForEveryVerb) {
  Scripted server(Busy(1000, "20", {}));
  const auto ask = [&](int verb) -> Status {
    if (verb == 0) return server.api().Watch({}, kConfigMaps, "a", {"9", 60s}, [](KubeEvent) {});
    const auto listed = server.api().List({}, kConfigMaps, "a", {}, [](KubeObject) {});
    return listed ? Status() : listed.error();
  };
  for (int verb = 0; verb < 2; ++verb) {
    server.pauses.clear();
    const Status ended = ask(verb);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().reason, "TooManyRequests");
    EXPECT_THAT(server.pauses, SizeIs(9)) << "ten tries";
    EXPECT_THAT(server.pauses, Each(20s));
  }
}

/// A watch of the real client on a stream that says these lines and then nothing more. Time passes
/// when an event has come, once.
class SilentWatch : public ::testing::Test {
 protected:
  std::string EndOf(const std::vector<std::string>& lines, WatchLimits limits, Duration passes,
                    bool initial_events = false) {
    KubeClientOptions options;
    options.watch = limits;
    std::promise<void> over;
    Scripted server(
        [&, held = over.get_future().share()](const TestRequest&) { return StreamOf(lines, held); },
        std::move(options));
    KubeWatchOptions watch;
    watch.initial_events = initial_events;
    const Status ended = server.api().Watch(
        Call().Within(1500ms), kConfigMaps, "recovery", watch,
        [&](const KubeEvent&) { server.clock.Advance(std::exchange(passes, 0s)); });
    over.set_value();
    return ended ? "" : ended.error().reason;
  }
  const std::string added_ =
      R"({"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}})";
  const std::string bookmark_ =
      R"({"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}})";
};

TEST_F(SilentWatch, IsGivenUpAfterItsFirstBookmark) {
  EXPECT_EQ(EndOf({bookmark_}, {.bookmark_silence = 10s}, 11s), "WatchSilent");
  EXPECT_EQ(EndOf({added_, bookmark_}, {}, 171s), "DeadlineExceeded") << "passed before it";
}

TEST_F(SilentWatch, IsNotGivenUpBeforeItsFirstBookmark) {
  EXPECT_EQ(EndOf({added_}, {.bookmark_silence = 10s}, 1h), "DeadlineExceeded");
}

TEST_F(SilentWatch, IsGivenUpWhenItsListDoesNotBecomeWhole) {
  EXPECT_EQ(EndOf({added_}, {.initial_events = 10s}, 11s, true), "InitialEventsLate");
  EXPECT_EQ(EndOf({added_}, {.initial_events = 10s}, 9s, true), "DeadlineExceeded");
}

TEST(RetryAfter, IsNoneOfTheTimeThatAListMayTake) {
  Scripted server([asked = 0](const TestRequest&) mutable {
    if (++asked <= 2) return Refusal(429, "TooManyRequests", "20");
    return TestReply{.body = ""};
  });
  KubeWatchOptions watch;
  watch.initial_events = true;
  const Status ended = server.api().Watch({}, kConfigMaps, "recovery", watch, [](KubeEvent) {});
  EXPECT_TRUE(ended) << ended.error().reason;
}

TEST(Pages, ATokenThatExpiredIsToldFromAVersionThatIsGone) {
  Scripted server([](const TestRequest& request) {
    const bool first = request.target.find("continue=") == std::string::npos;
    return first ? ListOf({"a"}, "more") : Refusal(410, "Expired");
  });
  const auto listed = server.api().List({}, kConfigMaps, "recovery", {}, [](KubeObject) {});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().reason, "PageExpired");
  EXPECT_EQ(listed.error().kind, ErrorKind::kTransient);
}

TEST(Pages, ThatExpireAreFollowedByOneListInOnePiece) {
  Scripted server([](const TestRequest& request) {
    if (request.target.find("watch=true") != std::string::npos) return TestReply{.never = true};
    if (request.target.find("continue=") != std::string::npos) return Refusal(410, "Expired");
    const bool paged = request.target.find("limit=") != std::string::npos;
    return paged ? ListOf({"gone", "a"}, "more") : ListOf({"a", "b"});
  });
  Watching watching(server.Access());
  server.WaitForRequests(4);
  EXPECT_TRUE(watching.cache().Find({"recovery", "b"}));
  EXPECT_FALSE(watching.cache().Find({"recovery", "gone"})) << "it was on the first page only";
  const std::string path = "/api/v1/namespaces/recovery/configmaps";
  EXPECT_THAT(server.asked(),
              ::testing::ElementsAre(path + "?limit=500", path + "?limit=500&continue=more", path,
                                     ::testing::HasSubstr("watch=true")));
}

TEST(Lists, WithoutAVersionAreNone) {
  Scripted server([](const TestRequest&) {
    return TestReply{.body = R"({"kind":"ConfigMapList","metadata":{},"items":[]})"};
  });
  const auto listed = server.api().List({}, kConfigMaps, "recovery", {}, [](KubeObject) {});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().reason, "BadAnswer") << "a watch from no version begins anywhere";
}

TEST(Warnings, AreEachToldOnceWhateverTheAnswer) {
  std::vector<std::string> told;
  KubeClientOptions options;
  options.warn = [&](const std::string& text) { told.push_back(text); };
  Scripted server(
      [asked = 0](const TestRequest&) mutable {
        TestReply reply = ++asked == 3 ? Refusal(404, "NotFound") : TestReply{.body = "{}"};
        reply.headers = {{"Warning", "299 - \"old\""}, {"Warning", "299 - \"field\""}};
        if (asked == 3) reply.headers.emplace_back("Warning", "299 - \"gone\"");
        return reply;
      },
      std::move(options));
  for (int i = 0; i < 3; ++i) (void)server.api().Get({}, kConfigMaps, {"recovery", "any"});
  EXPECT_THAT(told, ElementsAre("299 - \"old\"", "299 - \"field\"", "299 - \"gone\""));
}

TEST(Warnings, ThatAreAllDifferentAreForgottenInTheEnd) {
  int told = 0;
  KubeClientOptions options;
  options.warn = [&](const std::string&) { ++told; };
  Scripted server(
      [asked = 0](const TestRequest&) mutable {
        TestReply reply{.body = "{}"};
        for (int i = 0; i < 20; ++i)
          reply.headers.emplace_back("Warning", std::to_string(asked * 20 + i));
        asked = (asked + 1) % 20;
        return reply;
      },
      std::move(options));
  for (int i = 0; i < 21; ++i) (void)server.api().Get({}, kConfigMaps, {"recovery", "any"});
  EXPECT_EQ(told, 21 * 20) << "no more than 256 are remembered";
}

}  // namespace
}  // namespace etcdrestore::testing
