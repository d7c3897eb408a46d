// A real API server behind a proxy that breaks, delays and refuses: nothing is lost, nothing is
// taken for gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/integration/kube/server.h"
#include "tests/integration/kube/watching.h"
#include "tests/support/fault_proxy.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::StartsWith;

bool IsWatch(const TestRequest& request) {
  return request.target.find("watch=true") != std::string::npos;
}

/// The watch and list requests that came, with their resourceVersion.
std::vector<std::string> Asked(const FaultProxy& proxy) {
  std::vector<std::string> asked;
  for (const TestRequest& request : proxy.requests()) {
    const std::size_t at = request.target.find("resourceVersion=");
    std::string version = at == std::string::npos ? "" : request.target.substr(at + 16);
    version.resize(std::min(version.find('&'), version.size()));
    asked.push_back((IsWatch(request) ? "watch " : "list ") + version);
  }
  return asked;
}

/// Every map that the server has is in the cache as it is, and nothing else is.
void ExpectEqualToServer(const Watching& watching) {
  std::size_t count = 0;
  const auto end = Server().api().List({}, kConfigMaps, "recovery", {}, [&](KubeObject object) {
    ++count;
    const CachedObject cached = watching.cache().Find(NameOf(object));
    ASSERT_TRUE(cached) << NameOf(object).Key() << " is lost";
    EXPECT_EQ(MetaOf(*cached, "resourceVersion"), MetaOf(object, "resourceVersion"));
  });
  ASSERT_TRUE(end);
  EXPECT_EQ(watching.cache().size(), count);
}

TEST(Faults, AWatchMayBeCutAtAnyByte) {
  PutMap("any", "begin");
  std::atomic<std::size_t> watches = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (IsWatch(request)) fault.cut_after = 23 * ++watches;
    return fault;
  });
  Watching watching(proxy.Access(), 5ms);
  for (int i = 0; i < 60; ++i) {
    PutMap("any", std::to_string(i));
    ASSERT_TRUE(watching.Sees("any", std::to_string(i))) << "after " << watches << " cuts";
  }
  EXPECT_GT(watches, 30U);
  EXPECT_EQ(watching.gone(), 0);
  ExpectEqualToServer(watching);
}

TEST(Faults, AListMayBeCutAtAnyByteAndNothingIsTakenForGone) {
  for (int i = 0; i < 20; ++i) PutMap("half-" + std::to_string(i), "1");
  std::atomic<std::size_t> lists = 0;
  std::atomic<bool> break_watches = true;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (IsWatch(request) && break_watches) fault.answer = ErrorEventAnswer(410, "Expired");
    // The first list is whole, or there would be nothing to lose.
    if (!IsWatch(request) && lists++ > 0 && lists % 5 != 0) fault.cut_after = 149 * lists;
    return fault;
  });
  Watching watching(proxy.Access(), 5ms);
  ASSERT_TRUE(watching.Sees("half-0", "1"));
  for (const char* value : {"2", "3", "4", "5", "6", "7", "8"}) {
    PutMap("half-19", value);
    EXPECT_TRUE(watching.Sees("half-19", value));
  }
  EXPECT_GT(lists, 20U);
  EXPECT_EQ(watching.gone(), 0);
  break_watches = false;
  RemoveMap("half-19");
  EXPECT_TRUE(watching.Sees("half-19", "")) << "what is gone is seen to be gone";
  ExpectEqualToServer(watching);
}

TEST(Faults, AVersionThatIsGoneIsListedAnewAndNeverFromThePast) {
  PutMap("gone", "1");
  std::atomic<int> watches = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (!IsWatch(request)) return fault;
    if (++watches == 1) fault.answer = StatusAnswer(410, "Expired");
    if (watches == 2) fault.answer = ErrorEventAnswer(410, "Gone");
    return fault;
  });
  Watching watching(proxy.Access(), 5ms);
  ASSERT_TRUE(watching.Sees("gone", "1"));
  PutMap("gone", "2");
  ASSERT_TRUE(watching.Sees("gone", "2"));
  const std::vector<std::string> asked = Asked(proxy);
  ASSERT_GE(asked.size(), 3U);
  EXPECT_EQ(asked[0], "list ");
  EXPECT_THAT(asked[1], StartsWith("watch "));
  EXPECT_EQ(asked[2], "list " + asked[1].substr(6)) << "not older than what was seen";
}

TEST(Faults, APageThatExpiredIsListedAnewFromTheNewestState) {
  PutMap("page", "1");
  std::atomic<int> lists = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (!IsWatch(request) && ++lists == 1) fault.answer = StatusAnswer(410, "Expired");
    return fault;
  });
  Watching watching(proxy.Access(), 5ms);
  ASSERT_TRUE(watching.Sees("page", "1"));
  EXPECT_EQ(Asked(proxy)[1], "list ");
}

TEST(Faults, ABusyServerIsAskedAgainWhenItSaysSoAndNotListed) {
  PutMap("busy", "1");
  std::atomic<int> watches = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (IsWatch(request) && ++watches <= 2)
      fault.answer = StatusAnswer(429, "TooManyRequests", "retry-after: 1\r\n");
    return fault;
  });
  const SteadyTime start = std::chrono::steady_clock::now();
  Watching watching(proxy.Access(), 5ms);
  ASSERT_TRUE(watching.Sees("busy", "1"));
  PutMap("busy", "2");
  ASSERT_TRUE(watching.Sees("busy", "2"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1900ms) << "twice the second it asked for";
  int lists = 0;
  for (const std::string& one : Asked(proxy)) lists += one.starts_with("list") ? 1 : 0;
  EXPECT_EQ(lists, 1) << "a list would only add to its load";
  EXPECT_TRUE(watching.restarts().empty()) << "it was but waited for";
}

TEST(Faults, AWriteWaitsAsLongAsRetryAfterSaysAndIsDoneOnce) {
  std::atomic<int> asked = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest&) {
    Fault fault;
    if (++asked == 1) fault.answer = StatusAnswer(429, "TooManyRequests", "retry-after: 1\r\n");
    if (asked == 2) fault.answer = StatusAnswer(503, "ServiceUnavailable", "retry-after: 1\r\n");
    return fault;
  });
  const RealClock clock;
  KubeClientOptions options;
  const auto api = MakeKubeClient(proxy.Access(), std::move(options), clock);
  const SteadyTime start = clock.Steady();
  const auto made = api->Write(
      {}, {KubeVerb::kCreate,
           kConfigMaps,
           {"recovery", "throttled"},
           "",
           {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "throttled"}}}}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_GE(clock.Steady() - start, 1900ms) << "twice a second";
  EXPECT_EQ(asked, 3);
}

TEST(Faults, AnErrorWithoutRetryAfterIsTheCallersToRepeat) {
  std::atomic<int> asked = 0;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest&) {
    ++asked;
    return Fault{.answer = StatusAnswer(500, "InternalError")};
  });
  const RealClock clock;
  KubeClientOptions options;
  const auto api = MakeKubeClient(proxy.Access(), std::move(options), clock);
  const auto got = api->Get({}, kConfigMaps, {"recovery", "any"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().reason, "InternalError");
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(asked, 1);
}

bool IsStream(const TestRequest& request) {
  return request.target.find("sendInitialEvents=true") != std::string::npos;
}

TEST(StreamedLists, AreAllThatARealServerIsAskedFor) {
  PutMap("streamed", "1");
  PutMap("streamed-too", "1");
  const FaultProxy proxy(Server().Access(), [](const TestRequest&) { return Fault(); });
  Watching watching(proxy.Access(), 60s, true);
  ASSERT_TRUE(watching.Sees("streamed", "1"));
  PutMap("streamed", "2");
  RemoveMap("streamed-too");
  EXPECT_TRUE(watching.Sees("streamed", "2"));
  EXPECT_TRUE(watching.Sees("streamed-too", ""));
  EXPECT_EQ(proxy.requests().size(), 1U) << "one stream, no list";
  ExpectEqualToServer(watching);
}

TEST(StreamedLists, MayBeCutAtAnyByteAndNothingIsTakenForGone) {
  for (int i = 0; i < 20; ++i) PutMap("stream-" + std::to_string(i), "1");
  std::atomic<std::size_t> streams = 0;
  std::atomic<bool> break_watches = true;
  const FaultProxy proxy(Server().Access(), [&](const TestRequest& request) {
    Fault fault;
    if (!IsStream(request) && break_watches) fault.answer = ErrorEventAnswer(410, "Expired");
    // A stream that is whole goes on as a watch, so that it is cut there.
    if (IsStream(request) && break_watches)
      fault.cut_after = streams++ % 5 == 0 ? 200'000 : 149 * streams;
    return fault;
  });
  Watching watching(proxy.Access(), 5ms, true);
  for (int i = 2; i < 10; ++i) {
    const std::string value = std::to_string(i);
    PutMap("stream-19", value + std::string(70'000, 'x'));
    PutMap("stream-19", value);
    EXPECT_TRUE(watching.Sees("stream-19", value));
  }
  EXPECT_EQ(watching.gone(), 0);
  break_watches = false;
  RemoveMap("stream-19");
  EXPECT_TRUE(watching.Sees("stream-19", ""));
  ExpectEqualToServer(watching);
}

TEST(StreamedLists, AreGivenUpWhereTheServerHasNone) {
  PutMap("none", "1");
  const FaultProxy proxy(Server().Access(), [](const TestRequest& request) {
    return IsStream(request) ? Fault{.answer = StatusAnswer(422, "Invalid")} : Fault();
  });
  Watching watching(proxy.Access(), 60s, true);
  ASSERT_TRUE(watching.Sees("none", "1"));
  PutMap("none", "2");
  EXPECT_TRUE(watching.Sees("none", "2"));
  EXPECT_THAT(watching.restarts(), Contains(StartsWith("list Invalid")));
}

TEST(Faults, ASlowServerIsReadByteByByte) {
  PutMap("slow", "1");
  const FaultProxy proxy(Server().Access(), [](const TestRequest&) { return Fault{.piece = 1}; });
  Watching watching(proxy.Access());
  EXPECT_TRUE(watching.Sees("slow", "1"));
  PutMap("slow", "2");
  EXPECT_TRUE(watching.Sees("slow", "2"));
  EXPECT_TRUE(watching.restarts().empty());
}

TEST(Faults, AServerThatNeverAnswersCostsNoMoreThanTheTimeGiven) {
  const FaultProxy proxy(Server().Access(),
                         [](const TestRequest&) { return Fault{.never = true}; });
  const RealClock clock;
  KubeClientOptions options;
  const auto api = MakeKubeClient(proxy.Access(), std::move(options), clock);
  const auto got = api->Get(Call().Within(500ms), kConfigMaps, {"recovery", "any"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().reason, "DeadlineExceeded");
}

}  // namespace
}  // namespace etcdrestore::testing
