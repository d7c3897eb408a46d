#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/http/stores.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HttpTestServer;
using testing::Into;
using testing::NoWait;
using testing::Pattern;
using testing::ServeRange;
using testing::TestReply;
using testing::TestRequest;

std::unique_ptr<UrlStore> Store(const std::string& url, Retry retry = NoWait()) {
  return std::move(UrlStore::Open(Secret(url), {}, testing::TheClock(), std::move(retry))).value();
}

bool First(const HttpTestServer& server) { return server.requests().size() == 1; }

TEST(Download, ContinuesWhereTheConnectionBroke) {
  const std::string body = Pattern(300'000);
  HttpTestServer server([&](const TestRequest& r) { return ServeRange(r, body); });
  testing::CuttingProxy proxy(server.port(), {50'000, 100'000, 1});
  std::string got;
  const auto info =
      Store("http://127.0.0.1:" + std::to_string(proxy.port()) + "/snap")->Get({}, "", Into(got));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(got == body);
  EXPECT_EQ(info->size, body.size());
  EXPECT_EQ(FormatTime(info->modified), "2026-11-22T03:00:00Z");
  const auto requests = server.requests();
  ASSERT_GE(requests.size(), 3U);
  EXPECT_EQ(requests.at(1).headers.at("if-match"), "\"tag\"");
  EXPECT_THAT(requests.at(1).headers.at("range"), ::testing::MatchesRegex("bytes=[1-9][0-9]*-"));
}

TEST(Download, SkipsWhatItHasWhenTheServerIgnoresRange) {
  const std::string body = Pattern(100'000);
  int count = 0;
  HttpTestServer server([&](const TestRequest&) {
    TestReply reply{.headers = {{"ETag", "\"e\""}}, .body = body};
    if (++count <= 2) reply.cut_after = 30'000U * static_cast<unsigned>(count);
    return reply;
  });
  std::string got;
  const auto info = Store(server.Url("/x"))->Get({}, "", Into(got));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(got == body);
}

TEST(Download, NoticesAnObjectThatChangedUnderWay) {
  const std::string before = Pattern(1000), after(1000, 'x');
  int count = 0;
  const auto honest = [&](const TestRequest& r) {
    TestReply reply = ++count == 1 ? ServeRange(r, before, "\"1\"") : ServeRange(r, after, "\"2\"");
    if (count == 1) reply.cut_after = 400;
    return reply;
  };
  const auto sloppy = [&](const TestRequest& r) {
    TestRequest unconditional = r;
    unconditional.headers.erase("if-match");
    return honest(unconditional);
  };
  for (const HttpTestServer::Handler& handler :
       {HttpTestServer::Handler(honest), HttpTestServer::Handler(sloppy)}) {
    count = 0;
    HttpTestServer server(handler);
    std::string got;
    const auto info = Store(server.Url("/x"))->Get({}, "", Into(got));
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().reason, "ShortBody");
    EXPECT_EQ(got, before.substr(0, 400)) << "bytes of two objects were joined";
    EXPECT_EQ(count, 2) << "a changed object was asked for again";
  }
}

TEST(Download, NoticesARangeThatStartsElsewhere) {
  const std::string body = Pattern(1000);
  int count = 0;
  HttpTestServer server([&](const TestRequest& r) {
    TestRequest shifted = r;
    if (++count > 1) shifted.headers["range"] = "bytes=500-";
    TestReply reply = ServeRange(shifted, body);
    if (count == 1) reply.cut_after = 400;
    return reply;
  });
  std::string got;
  EXPECT_EQ(Store(server.Url("/x"))->Get({}, "", Into(got)).error().reason, "ShortBody");
  EXPECT_EQ(got.size(), 400U);
}

TEST(Download, DoesNotContinueWhatItCannotRecognise) {
  HttpTestServer server(
      [](const TestRequest&) { return TestReply{.body = Pattern(1000), .cut_after = 400}; });
  std::string got;
  const auto info = Store(server.Url("/x"))->Get({}, "", Into(got));
  EXPECT_EQ(info.error().reason, "ConnectionLost");
  EXPECT_THAT(info.error().message, HasSubstr("neither ETag nor Last-Modified"));
  EXPECT_TRUE(First(server));
}

TEST(Download, GivesUpOnALengthThatIsNeverReached) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.headers = {{"ETag", "\"e\""}}, .body = "short", .cut_after = 5, .length = 50};
  });
  std::string got;
  const auto info = Store(server.Url("/x"))->Get({}, "", Into(got));
  EXPECT_EQ(info.error().reason, "ConnectionLost");
  EXPECT_THAT(info.error().message, HasSubstr("tried 6 times"));
  EXPECT_EQ(got, "short");
}

TEST(Download, IgnoresBytesBeyondTheLength) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nexactmore"};
  });
  std::string got;
  const auto info = Store(server.Url("/x"))->Get({}, "", Into(got));
  EXPECT_TRUE(info);
  EXPECT_EQ(got, "exact");
}

TEST(Download, NeverRepeatsAfterTheSinkFailed) {
  HttpTestServer server([](const TestRequest& r) { return ServeRange(r, Pattern(100)); });
  const auto info = Store(server.Url("/x"))->Get({}, "", [](std::string_view) -> Status {
    return Transient("Unreachable", "node n1 went away");
  });
  EXPECT_EQ(info.error(), Transient("Unreachable", "node n1 went away"));
  EXPECT_TRUE(First(server));
}

TEST(Download, WaitsAsLongAsTheServerAsks) {
  int count = 0;
  HttpTestServer server([&](const TestRequest& r) {
    if (++count == 1) return TestReply{.status = 503, .headers = {{"Retry-After", "7"}}};
    return ServeRange(r, "fine");
  });
  std::vector<Duration> pauses;
  std::string got;
  EXPECT_TRUE(Store(server.Url("/x"), NoWait(&pauses))->Get({}, "", Into(got)));
  EXPECT_EQ(got, "fine");
  EXPECT_EQ(pauses, std::vector<Duration>{7s});
}

TEST(Download, SaysWhatItSawRatherThanThatTimeRanOut) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.status = 503, .headers = {{"Retry-After", "600"}}};
  });
  const auto info = Store(server.Url("/x"), Retry::Real())->Head(Call{}.Within(30s), "");
  EXPECT_EQ(info.error().reason, "Unavailable");
  EXPECT_TRUE(First(server));
}

TEST(Download, StopsWhileItWaitsBetweenTries) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.status = 503, .headers = {{"Retry-After", "600"}}};
  });
  std::stop_source source;
  Call call;
  call.stop = source.get_token();
  std::jthread stopper([&] {
    server.WaitForRequests(1);
    source.request_stop();
  });
  EXPECT_EQ(Store(server.Url("/x"), Retry::Real())->Head(call, "").error().reason, "Interrupted");
}

TEST(Download, TakesAnEmptyObject) {
  HttpTestServer server([](const TestRequest& r) { return ServeRange(r, ""); });
  std::string got;
  EXPECT_EQ(Store(server.Url("/x"))->Get({}, "", Into(got)).value().size, 0U);
  EXPECT_EQ(Store(server.Url("/x"))->Head({}, "").value().size, 0U);
}

}  // namespace
}  // namespace etcdrestore
