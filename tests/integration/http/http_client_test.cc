#include "operator/adapters/http/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/support/http_test_server.h"
#include "tests/support/sockets.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HttpTestServer;
using ::testing::Not;
using testing::TestReply;
using testing::TestRequest;

std::unique_ptr<HttpClient> Client(HttpOptions options = {}) {
  return std::move(HttpClient::Open(std::move(options))).value();
}

TestReply Echo(const TestRequest& request) {
  return {.headers = {{"X-One", "1"}, {"X-Empty", ""}}, .body = request.method + request.body};
}

TEST(HttpClient, SendsMethodHeadersAndBodyAsGiven) {
  HttpTestServer server(Echo);
  HttpRequest request;
  request.method = "PATCH";
  request.url = server.Url("/a/../b//c%3A?x=%2B");
  request.headers = {{"X-Mine", "v"}, {"X-Nothing", ""}};
  request.body = "{}";
  const auto response = Client()->Send(Call{}, request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "PATCH{}");
  EXPECT_EQ(response->Header("x-one"), "1");
  EXPECT_EQ(response->Header("x-empty"), "");
  EXPECT_EQ(response->Header("x-absent"), std::nullopt);
  const TestRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.target, "/a/../b//c%3A?x=%2B");
  EXPECT_EQ(seen.headers.at("x-mine"), "v");
  EXPECT_EQ(seen.headers.at("x-nothing"), "");
  EXPECT_EQ(seen.headers.count("content-type"), 0U) << "libcurl's form type was sent";
  EXPECT_EQ(seen.headers.count("expect"), 0U);
}

TEST(HttpClient, KeepsTheConnectionAlive) {
  HttpTestServer server(Echo);
  const auto client = Client();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client->Send(Call{}, {.method = "GET", .url = server.Url("/")}));
  for (const TestRequest& request : server.requests()) EXPECT_EQ(request.connection, 1);
}

TEST(HttpClient, ServesManyThreads) {
  HttpTestServer server([](const TestRequest& r) { return TestReply{.body = r.target}; });
  const auto client = Client();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 10; ++i) {
          const std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
          const auto response = client->Send(Call{}, {.method = "GET", .url = server.Url(path)});
          if (response && response->body == path) ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 80);
}

TEST(HttpClient, StreamsGoodBodiesAndKeepsBadOnes) {
  HttpTestServer server([](const TestRequest& request) {
    return TestReply{.status = request.target == "/good" ? 200 : 403, .body = "text"};
  });
  const auto client = Client();
  std::string streamed;
  HttpRequest request{.method = "GET", .url = server.Url("/good")};
  request.sink = [&](std::string_view bytes) -> Status { return streamed += bytes, Status{}; };
  EXPECT_EQ(client->Send(Call{}, request)->body, "");
  EXPECT_EQ(streamed, "text");
  request.url = server.Url("/bad");
  const auto refused = client->Send(Call{}, request);
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->body, "text");
  EXPECT_EQ(streamed, "text");
}

TEST(HttpClient, UploadsFromASource) {
  HttpTestServer server(Echo);
  for (const auto size : {std::optional<std::uint64_t>(5), std::optional<std::uint64_t>()}) {
    HttpRequest request{.method = "PUT", .url = server.Url("/")};
    request.upload = BytesOf("hello");
    request.upload_size = size;
    EXPECT_EQ(Client()->Send(Call{}, request).value().body, "PUThello");
  }
}

TEST(HttpClient, ReturnsTheErrorsOfSinkSourceAndHeaderCheck) {
  HttpTestServer server(Echo);
  HttpRequest request{.method = "GET", .url = server.Url("/")};
  request.sink = [](std::string_view) -> Status { return Terminal("DiskFull", "no space"); };
  EXPECT_EQ(Client()->Send(Call{}, request).error().reason, "DiskFull");
  request.sink = nullptr;
  request.on_headers = [](const HttpResponse& r) -> Status {
    return Terminal("Unwanted", std::to_string(r.status));
  };
  EXPECT_EQ(Client()->Send(Call{}, request).error(), Terminal("Unwanted", "200"));
  request.on_headers = nullptr;
  request.upload = [](std::span<char>) -> Result<std::size_t> {
    return Terminal("FileUnreadable", "gone");
  };
  EXPECT_EQ(Client()->Send(Call{}, request).error().reason, "FileUnreadable");
}

TEST(HttpClient, BoundsWhatItKeeps) {
  HttpTestServer server([](const TestRequest& request) {
    return TestReply{.status = request.target == "/ok" ? 200 : 500, .body = std::string(1000, 'x')};
  });
  HttpRequest request{.method = "GET", .url = server.Url("/ok")};
  request.max_body = 100;
  EXPECT_EQ(Client()->Send(Call{}, request).error().reason, "BodyTooLarge");
  request.url = server.Url("/error");
  EXPECT_EQ(Client()->Send(Call{}, request).value().body.size(), 100U);
  request.max_body = 1000;
  request.url = server.Url("/ok");
  EXPECT_EQ(Client()->Send(Call{}, request).value().body.size(), 1000U);
}

TEST(HttpClient, FollowsRedirectsOnlyWhenTold) {
  HttpTestServer server([](const TestRequest& request) {
    if (request.target == "/end") return TestReply{.body = "end"};
    return TestReply{.status = 302, .headers = {{"Location", "/end"}}, .body = "moved"};
  });
  HttpRequest request{.method = "GET", .url = server.Url("/start")};
  EXPECT_EQ(Client()->Send(Call{}, request)->status, 302);
  request.max_redirects = 3;
  int header_checks = 0;
  request.on_headers = [&](const HttpResponse& r) -> Status {
    EXPECT_EQ(r.status, 200);
    return ++header_checks, Status{};
  };
  EXPECT_EQ(Client()->Send(Call{}, request)->body, "end");
  EXPECT_EQ(header_checks, 1);
}

TEST(HttpClient, CallsACutAnswerALostConnection) {
  HttpTestServer server(
      [](const TestRequest&) { return TestReply{.body = std::string(100, 'x'), .cut_after = 40}; });
  const auto response = Client()->Send(Call{}, {.method = "GET", .url = server.Url("/p?secret=1")});
  EXPECT_EQ(response.error().reason, "ConnectionLost");
  EXPECT_EQ(response.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(response.error().message, HasSubstr("60 bytes remaining"));
  EXPECT_THAT(response.error().message, HasSubstr("/p?…"));
  EXPECT_THAT(response.error().message, Not(HasSubstr("secret")));
}

TEST(HttpClient, NamesARefusedConnectionAndAnUnknownName) {
  const testing::Listener listener = testing::ListenOnLoopback();
  close(listener.fd);
  const auto refused = Client()->Send(
      Call{}, {.method = "GET", .url = "http://127.0.0.1:" + std::to_string(listener.port)});
  EXPECT_EQ(refused.error().reason, "Unavailable");
  EXPECT_THAT(refused.error().message, HasSubstr("Connection refused"));
  const auto unknown = Client()->Send(Call{}, {.method = "GET", .url = "http://no.such.invalid/"});
  EXPECT_EQ(unknown.error().reason, "Unavailable") << unknown.error().message;
  EXPECT_EQ(unknown.error().kind, ErrorKind::kTransient);
}

TEST(HttpClient, KeepsTheDeadlineOfTheCall) {
  HttpTestServer server([](const TestRequest&) { return TestReply{.never = true}; });
  const auto begin = std::chrono::steady_clock::now();
  const auto response =
      Client()->Send(Call{}.Within(200ms), {.method = "GET", .url = server.Url("/")});
  EXPECT_EQ(response.error().reason, "DeadlineExceeded");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(HttpClient, StopsWithinASecond) {
  HttpTestServer server([](const TestRequest&) { return TestReply{.never = true}; });
  std::stop_source source;
  Call call;
  call.stop = source.get_token();
  std::jthread stopper([&] {
    server.WaitForRequests(1);
    source.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto response = Client()->Send(call, {.method = "GET", .url = server.Url("/")});
  EXPECT_EQ(response.error().reason, "Interrupted");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(HttpClient, GivesUpOnASilentServer) {
  HttpTestServer server([](const TestRequest&) { return TestReply{.never = true}; });
  HttpOptions options;
  options.idle_timeout = 1s;
  const auto response = Client(options)->Send(Call{}, {.method = "GET", .url = server.Url("/")});
  EXPECT_EQ(response.error().reason, "Timeout");
  EXPECT_THAT(response.error().message, HasSubstr("no data for 1.0 s"));
}

TEST(HttpClient, RefusesWhatItCannotSend) {
  EXPECT_EQ(Client()->Send(Call{}, {.method = "GET", .url = "ftp://h/"}).error().reason,
            "BadRequest");
  HttpRequest split{.method = "GET", .url = "http://127.0.0.1:1/"};
  split.headers = {{"X", "a\r\nHost: evil"}};
  EXPECT_EQ(Client()->Send(Call{}, split).error().reason, "BadRequest");
  HttpTestServer server([](const TestRequest&) { return TestReply{.raw = "SSH-2.0-x\r\n"}; });
  EXPECT_EQ(Client()->Send(Call{}, {.method = "GET", .url = server.Url("/")}).error().kind,
            ErrorKind::kTerminal);
}

TEST(HttpClient, ConnectsElsewhereWhenTold) {
  HttpTestServer server(
      [](const TestRequest& r) { return TestReply{.body = r.headers.at("host")}; });
  HttpOptions options;
  options.connect_to = "127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(
      Client(options)->Send(Call{}, {.method = "GET", .url = "http://api.test/"}).value().body,
      "api.test");
}

}  // namespace
}  // namespace etcdrestore
