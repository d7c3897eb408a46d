#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

#include "operator/adapters/http/http_client.h"
#include "tests/support/http_test_server.h"
#include "tests/support/sockets.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HttpTestServer;
using testing::TestCa;
using testing::TestReply;
using testing::TestRequest;

TestReply Hello(const TestRequest&) { return {.body = "hello"}; }

Result<HttpResponse> Fetch(const std::string& url, TlsOptions tls) {
  HttpOptions options;
  options.tls = std::move(tls);
  auto client = HttpClient::Open(options);
  if (!client) return client.error();
  return (*client)->Send(Call{}.Within(10s), {.method = "GET", .url = url});
}

TEST(HttpTls, TrustsTheGivenCaFromMemoryAndFromAFile) {
  const TestCa ca;
  HttpTestServer server(Hello, HttpTestServer::Tls{ca.Issue("IP:127.0.0.1"), ""});
  const auto memory = Fetch(server.Url("/"), {.ca_pem = ca.pem()});
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_EQ(memory->body, "hello");
  const std::string path = ::testing::TempDir() + "etcdrestore_tls_test_ca.pem";
  std::ofstream(path) << ca.pem();
  const auto file = Fetch(server.Url("/"), {.ca_file = path});
  std::remove(path.c_str());
  EXPECT_TRUE(file) << file.error().message;
}

TEST(HttpTls, RefusesAnUntrustedServerForGoodAndSaysWhatToDo) {
  const TestCa ca, other;
  HttpTestServer server(Hello, HttpTestServer::Tls{ca.Issue("IP:127.0.0.1"), ""});
  const auto without = Fetch(server.Url("/"), {});
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().reason, "BadCertificate");
  EXPECT_EQ(without.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(without.error().message, HasSubstr("give the certificate of its issuer as `ca`"));
  const auto wrong = Fetch(server.Url("/"), {.ca_pem = other.pem()});
  EXPECT_EQ(wrong.error().reason, "BadCertificate");
  EXPECT_THAT(wrong.error().message, HasSubstr("given as `ca` did not sign it"));
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpTls, NamesAHostThatTheCertificateIsNotFor) {
  const TestCa ca;
  HttpTestServer server(Hello, HttpTestServer::Tls{ca.Issue("DNS:other.test"), ""});
  const auto response = Fetch(server.Url("/"), {.ca_pem = ca.pem()});
  EXPECT_EQ(response.error().reason, "BadCertificate");
  EXPECT_THAT(response.error().message, HasSubstr("for another name"));
}

TEST(HttpTls, NamesAnExpiredCertificate) {
  const TestCa ca;
  HttpTestServer server(Hello, HttpTestServer::Tls{ca.Issue("IP:127.0.0.1", -3600, -60), ""});
  const auto response = Fetch(server.Url("/"), {.ca_pem = ca.pem()});
  EXPECT_EQ(response.error().reason, "BadCertificate");
  EXPECT_THAT(response.error().message, HasSubstr("expired"));
  EXPECT_THAT(response.error().message, HasSubstr("check the clock"));
}

TEST(HttpTls, ShowsItsClientCertificate) {
  const TestCa ca;
  HttpTestServer server(Hello, HttpTestServer::Tls{ca.Issue("IP:127.0.0.1"), ca.pem()});
  const auto client = ca.Issue("DNS:me");
  TlsOptions tls{.ca_pem = ca.pem(),
                 .client_cert_pem = client.certificate,
                 .client_key_pem = Secret(client.key)};
  const auto response = Fetch(server.Url("/"), tls);
  EXPECT_TRUE(response) << response.error().message;
  const auto without = Fetch(server.Url("/"), {.ca_pem = ca.pem()});
  EXPECT_FALSE(without);
}

TEST(HttpTls, RefusesACaThatIsNoCertificate) {
  for (const TlsOptions& tls :
       {TlsOptions{.ca_pem = "not a certificate"}, TlsOptions{.ca_file = "/does/not/exist"}}) {
    const auto client = HttpClient::Open({.tls = tls});
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().reason, "BadCertificate");
  }
}

TEST(HttpTls, NamesAServerThatDoesNotSpeakTls) {
  const testing::Listener listener = testing::ListenOnLoopback();
  std::jthread plain([&] {
    const int fd = accept(listener.fd, nullptr, nullptr);
    constexpr std::string_view kWords = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_EQ(send(fd, kWords.data(), kWords.size(), MSG_NOSIGNAL), ssize_t{28});
    shutdown(fd, SHUT_WR);
    std::array<char, 4096> ignored{};
    while (recv(fd, ignored.data(), ignored.size(), 0) > 0) continue;
    close(fd);
  });
  const auto response = Fetch("https://127.0.0.1:" + std::to_string(listener.port) + "/", {});
  EXPECT_EQ(response.error().reason, "BadRequest");
  EXPECT_THAT(response.error().message, HasSubstr("does not speak TLS"));
  plain.join();
  close(listener.fd);
}

}  // namespace
}  // namespace etcdrestore
