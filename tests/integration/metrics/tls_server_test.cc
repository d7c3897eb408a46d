// The server behind TLS, asked by curl and, where curl is too polite, by OpenSSL and by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/metrics/http_server.h"
#include "tests/support/sockets.h"
#include "tests/support/test_certificates.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::ConnectToLoopback;
using testing::TestCa;

HttpAnswer Echo(const Call&, const HttpQuestion& question) {
  return {200, "text/plain", question.path + " " + question.bearer.Reveal() + "\n"};
}

std::unique_ptr<HttpServer> Serve(const CertificatePair& pair, Duration patience = 60s) {
  const auto identity = TlsIdentity::FromPem(pair);
  EXPECT_TRUE(identity) << identity.error().message;
  auto server = HttpServer::Open({"127.0.0.1:0", [identity] { return *identity; }, patience}, Echo);
  EXPECT_TRUE(server);
  return std::move(server).value();
}

CertificatePair Issued(const TestCa& ca, const std::string& names = "IP:127.0.0.1") {
  const auto issued = ca.Issue(names);
  return {issued.certificate, Secret(issued.key)};
}

Result<HttpResponse> Get(int port, const std::string& ca) {
  const auto client = std::move(HttpClient::Open({.tls = {.ca_pem = ca}})).value();
  return client->Send(Call{}.Within(30s),
                      {.url = "https://127.0.0.1:" + std::to_string(port) + "/here",
                       .headers = {{"Authorization", "Bearer abc"}}});
}

/// What a client with these wishes agreed upon: "TLSv1.3 http/1.1", "" when it was refused.
std::string Agreed(int port, int most, std::string_view alpn) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  // Level 0: it is not the client that shrinks from old versions.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), most);
  const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), &SSL_free);
  SSL_set_alpn_protos(session.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                      static_cast<unsigned>(alpn.size()));
  const int fd = ConnectToLoopback(port);
  SSL_set_fd(session.get(), fd);
  const bool connected = SSL_connect(session.get()) == 1;
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session.get(), &chosen, &size);
  const std::string name(reinterpret_cast<const char*>(chosen), size);
  close(fd);
  return connected ? std::string(SSL_get_version(session.get())) + " " + name : "";
}

TEST(TlsServer, AnswersWhatTheClientAsksThroughTls) {
  const TestCa ca;
  const auto server = Serve(Issued(ca));
  const auto got = Get(server->port(), ca.pem());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, "/here abc\n");
}

TEST(TlsServer, SendsALargeAnswerWhole) {
  const TestCa ca;
  const auto identity = TlsIdentity::FromPem(Issued(ca));
  const auto server = HttpServer::Open(
      {"127.0.0.1:0", [identity] { return *identity; }, 60s}, [](const Call&, const HttpQuestion&) {
        return HttpAnswer{200, "text/plain", std::string(3U << 20U, 'x')};
      });
  ASSERT_TRUE(server);
  const auto got = Get((*server)->port(), ca.pem());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body.size(), 3U << 20U);
}

TEST(TlsServer, SpeaksNoOldVersionAndNoHttp2) {
  const auto server = Serve(*MakeSelfSigned("host", RealClock().Now()));
  const int port = server->port();
  constexpr std::string_view kHttp1 = "\x08http/1.1";
  constexpr std::string_view kHttp2 = "\x02h2";
  constexpr std::string_view kBoth = "\x02h2\x08http/1.1";
  EXPECT_EQ(Agreed(port, TLS1_3_VERSION, kBoth), "TLSv1.3 http/1.1");
  EXPECT_EQ(Agreed(port, TLS1_3_VERSION, ""), "TLSv1.3 ");
  EXPECT_EQ(Agreed(port, TLS1_2_VERSION, kHttp1), "TLSv1.2 http/1.1");
  EXPECT_EQ(Agreed(port, TLS1_1_VERSION, kHttp1), "");
  EXPECT_EQ(Agreed(port, TLS1_3_VERSION, kHttp2), "");
}

TEST(TlsServer, ItsOwnCertificateIsForLocalhostForAYear) {
  const SystemTime now = RealClock().Now();
  const auto pair = MakeSelfSigned("pod-1", now);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto server = Serve(*pair);
  const auto got = Get(server->port(), pair->certificate);
  ASSERT_TRUE(got) << got.error().message;
  const auto identity = *TlsIdentity::FromPem(*pair);
  EXPECT_TRUE(identity->ValidAt(now - 59min));
  EXPECT_TRUE(identity->ValidAt(now + 364 * 24h));
  EXPECT_FALSE(identity->ValidAt(now + 366 * 24h));
  EXPECT_FALSE(identity->ValidAt(now - 2h));
  EXPECT_TRUE(MakeSelfSigned("no host,DNS:other", now)) << "the name is left out";
  EXPECT_NE(MakeSelfSigned("pod-1", now)->certificate, pair->certificate);
}

TEST(TlsServer, APlainClientGetsNoAnswerAndTheNextOneDoes) {
  const TestCa ca;
  const auto server = Serve(Issued(ca));
  const int plain = ConnectToLoopback(server->port());
  constexpr std::string_view kAsks = "GET /metrics HTTP/1.1\r\n\r\n";
  ASSERT_EQ(send(plain, kAsks.data(), kAsks.size(), MSG_NOSIGNAL), ssize_t{25});
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 1; count > 0;) {
    pollfd one{plain, POLLIN, 0};
    ASSERT_EQ(poll(&one, 1, 30000), 1) << "the server keeps it";
    count = recv(plain, buffer.data(), buffer.size(), 0);
    if (count > 0) said.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(plain);
  EXPECT_THAT(said, ::testing::Not(::testing::HasSubstr("HTTP/")));
  EXPECT_TRUE(Get(server->port(), ca.pem()));
}

TEST(TlsServer, AClientThatNeverShakesHandsKeepsTheNextOneNoLongerThanThePatience) {
  const TestCa ca;
  const auto server = Serve(Issued(ca), 1s);
  const int silent = ConnectToLoopback(server->port());
  const auto got = Get(server->port(), ca.pem());
  EXPECT_TRUE(got) << got.error().message;
  close(silent);
}

TEST(TlsServer, EndsAtOnceThoughAClientIsSilent) {
  const TestCa ca;
  const auto identity = *TlsIdentity::FromPem(Issued(ca));
  std::promise<void> came;
  auto server = HttpServer::Open({"127.0.0.1:0",
                                  [&] {
                                    came.set_value();
                                    return identity;
                                  },
                                  600s},
                                 Echo);
  ASSERT_TRUE(server);
  const int silent = ConnectToLoopback((*server)->port());
  ASSERT_EQ(came.get_future().wait_for(30s), std::future_status::ready);
  const auto start = std::chrono::steady_clock::now();
  server->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  close(silent);
}

TEST(TlsServer, AClientThatGoesAwayInTheMiddleDoesNotEndTheProgram) {
  const TestCa ca;
  const auto identity = TlsIdentity::FromPem(Issued(ca));
  const auto server = HttpServer::Open(
      {"127.0.0.1:0", [identity] { return *identity; }, 60s}, [](const Call&, const HttpQuestion&) {
        return HttpAnswer{200, "text/plain", std::string(32U << 20U, 'x')};
      });
  ASSERT_TRUE(server);
  for (int i = 0; i < 3; ++i) {
    const auto client = std::move(HttpClient::Open({.tls = {.ca_pem = ca.pem()}})).value();
    const auto got = client->Send(
        Call{}.Within(30s),
        {.url = "https://127.0.0.1:" + std::to_string((*server)->port()) + "/",
         .sink = [](std::string_view) -> Status { return Terminal("Enough", "enough"); }});
    EXPECT_EQ(got.error().reason, "Enough");
  }
}

TEST(TlsIdentity, APairThatIsNoneIsRefusedAndNoPassphraseIsAskedFor) {
  const TestCa ca;
  const CertificatePair good = Issued(ca);
  const CertificatePair other = Issued(ca);
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const std::pair<CertificatePair, const char*> cases[] = {
      {{"", good.key}, "no certificate in PEM"},
      {{"words", good.key}, "no certificate in PEM"},
      {{good.certificate, Secret("words")}, "no private key in PEM"},
      {{good.certificate, Secret(encrypted)}, "no private key in PEM"},
      {{good.certificate, other.key}, "the private key is not that of the certificate"}};
  for (const auto& [pair, why] : cases) {
    const auto identity = TlsIdentity::FromPem(pair);
    ASSERT_FALSE(identity) << why;
    EXPECT_EQ(identity.error().reason, "BadCertificate");
    EXPECT_THAT(identity.error().message, ::testing::HasSubstr(why));
  }
}

}  // namespace
}  // namespace etcdrestore
