#include "operator/adapters/metrics/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "operator/adapters/http/http_client.h"
#include "tests/support/sockets.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::ConnectToLoopback;

HttpAnswer Echo(const Call&, const HttpQuestion& question) {
  return {200, "text/plain", question.path + " " + question.query + "\n"};
}

std::unique_ptr<HttpServer> Serve(HttpServer::Handler handler, Duration patience = 60s) {
  auto server = HttpServer::Open({"127.0.0.1:0", {}, patience}, std::move(handler));
  EXPECT_TRUE(server);
  return std::move(server).value();
}

Result<HttpResponse> Get(int port, const std::string& method = "GET") {
  const auto client = std::move(HttpClient::Open({})).value();
  return client->Send(
      Call{}.Within(30s),
      {.method = method, .url = "http://127.0.0.1:" + std::to_string(port) + "/here?a=b"});
}

/// True when the server closes it; false after half a minute.
bool IsCut(int fd) {
  std::array<char, 4096> ignored{};
  pollfd one{fd, POLLIN, 0};
  while (poll(&one, 1, 30000) > 0) {
    if (recv(fd, ignored.data(), ignored.size(), 0) <= 0) return true;
  }
  return false;
}

TEST(HttpServer, AnswersAGetAndNothingElse) {
  const auto server = Serve(Echo);
  const auto got = Get(server->port());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "/here a=b\n");
  const auto posted = Get(server->port(), "POST");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 405);
}

TEST(HttpServer, SaysHowToAuthenticate) {
  const auto server = Serve([](const Call&, const HttpQuestion&) {
    return HttpAnswer{401, "text/plain", "no\n"};
  });
  const auto got = Get(server->port());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 401);
  EXPECT_EQ(got->Header("www-authenticate"), "Bearer");
}

TEST(HttpServer, AClientThatIsSilentKeepsTheNextOneNoLongerThanThePatience) {
  const auto server = Serve(Echo, 300ms);
  const int silent = ConnectToLoopback(server->port());
  const auto got = Get(server->port());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_TRUE(IsCut(silent));
  close(silent);
}

TEST(HttpServer, AClientThatAsksByteByByteIsCutToo) {
  const auto server = Serve(Echo, 500ms);
  const int slow = ConnectToLoopback(server->port());
  int sent = 0;
  pollfd one{slow, POLLIN, 0};
  while (sent < 500 && poll(&one, 1, 20) == 0 && send(slow, "G", 1, MSG_NOSIGNAL) == 1) ++sent;
  EXPECT_GT(sent, 1);
  EXPECT_LT(sent, 500) << "each byte bought it more time";
  close(slow);
  EXPECT_TRUE(Get(server->port()));
}

TEST(HttpServer, AClientThatDoesNotTakeItsAnswerIsCutToo) {
  const auto server = Serve(
      [](const Call&, const HttpQuestion& question) {
        return HttpAnswer{200, "text/plain",
                          std::string(question.path == "/" ? 32U << 20U : 1, 'x')};
      },
      300ms);
  const int full = ConnectToLoopback(server->port());
  constexpr std::string_view kAsks = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(send(full, kAsks.data(), kAsks.size(), MSG_NOSIGNAL), ssize_t{18});
  const auto got = Get(server->port());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, "x");
  close(full);
}

TEST(HttpServer, AHeadThatIsTooLongIsNotReadInPart) {
  std::atomic<bool> asked = false;
  const auto server = Serve([&](const Call& call, const HttpQuestion& question) {
    asked = true;
    return Echo(call, question);
  });
  const int client = ConnectToLoopback(server->port());
  const std::string head =
      "GET / HTTP/1.1\r\nAuthorization: Bearer " + std::string(16U << 10U, 'x');
  ASSERT_EQ(send(client, head.data(), head.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(head.size()));
  EXPECT_TRUE(IsCut(client));
  EXPECT_FALSE(asked) << "with a part of its token";
  close(client);
}

TEST(HttpServer, AnAddressThatIsTakenIsAnErrorThatNamesIt) {
  const auto server = Serve(Echo);
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = HttpServer::Open({address}, Echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "AddressInUse");
  EXPECT_THAT(second.error().message, ::testing::HasSubstr(address));
}

}  // namespace
}  // namespace etcdrestore
