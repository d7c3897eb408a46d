// The program with --metrics-secure: real tokens, judged by a real API server with the shipped
// roles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "operator/adapters/http/http_client.h"
#include "operator/base/files.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/sockets.h"
#include "tests/support/test_certificates.h"
#include "tests/support/tls_peer.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";

/// A ServiceAccount's token; of one that may read the metrics or of one that may not.
std::string TokenOf(const std::string& account, bool reader) {
  (void)Server().Kubectl({"create", "serviceaccount", account, "-n", "recovery"});
  if (reader) {
    (void)Server().Kubectl({"create", "clusterrolebinding", account,
                            "--clusterrole=etcdrestore-metrics-reader",
                            "--serviceaccount=recovery:" + account});
    EXPECT_TRUE(Allows("system:serviceaccount:recovery:" + account, {"get", "/metrics"}));
  }
  const auto token = Server().Kubectl({"create", "token", account, "-n", "recovery"});
  EXPECT_TRUE(token) << token.error().message;
  return token.value_or("\n").substr(0, token.value_or("\n").find('\n'));
}

/// A pair of files in a folder of its own, signed by a CA that scrapes trust.
struct Pair {
  explicit Pair(const std::string& name) : folder(Server().folder() + "/" + name) {
    std::filesystem::create_directories(folder);
    Put(ca.Issue("IP:127.0.0.1"));
  }
  void Put(const CertificateAndKey& pair) const {
    EXPECT_TRUE(WriteFileAtomically(folder + "/tls.crt", pair.certificate));
    EXPECT_TRUE(WriteFileAtomically(folder + "/tls.key", pair.key));
  }
  TestCa ca;
  std::string folder;
};

/// Where the Lease is another one than that of the test before, nobody waits for its end.
ChildProcess Start(const std::string& name, const std::string& cert_path, const std::string& lease,
                   const std::string& user = kUser) {
  const std::string source = ETCDRESTORE_SOURCE_DIR;
  for (const char* roles : {"/manifests/default/rbac.yaml", "/manifests/secure-metrics/rbac.yaml"})
    EXPECT_TRUE(Server().Apply(source + roles));
  EXPECT_TRUE(Allows(kUser, {"create", "subjectaccessreviews.authorization.k8s.io"}));
  const std::string& folder = Server().folder();
  std::vector<std::string> argv = {ETCDRESTORE_PROGRAM,
                                   "operator",
                                   "--kubeconfig",
                                   Server().Kubeconfig(user, "system:serviceaccounts"),
                                   "--leader-elect-resource-name",
                                   lease,
                                   "--state-dir",
                                   folder + "/state-" + name,
                                   "--health-probe-bind-address",
                                   "127.0.0.1:0",
                                   "--metrics-bind-address",
                                   "127.0.0.1:0",
                                   "--metrics-secure",
                                   "--zap-log-level",
                                   "debug"};
  if (!cert_path.empty()) argv.insert(argv.end(), {"--metrics-cert-path", cert_path});
  ChildProcess process(argv, folder + "/" + name + ".log", {"HOME=" + folder});
  EXPECT_TRUE(process.WaitForLog("\"Started\"")) << process.Log();
  return process;
}

struct Scraped {
  int status = 0;  ///< 0: no answer
  std::string text;
};

Scraped Get(const std::string& url, const std::string& ca, const std::string& token) {
  const auto client = std::move(HttpClient::Open({.tls = {.ca_pem = ca}})).value();
  HttpRequest request{.url = url, .max_body = 64U << 20U};
  if (!token.empty()) request.headers = {{"Authorization", "Bearer " + token}};
  const auto response = client->Send(Call{}.Within(30s), request);
  return response ? Scraped{response->status, response->body}
                  : Scraped{0, response.error().message};
}

Scraped Scrape(const ChildProcess& process, const std::string& ca, const std::string& token,
               const std::string& path = "/metrics") {
  const std::vector<int> ports = PortsIn(process.Log());
  return Get("https://127.0.0.1:" + std::to_string(ports.at(1)) + path, ca, token);
}

TEST(SecureScrape, GivesMetricsToWhomTheRolesAllowItAndToNobodyElse) {
  const Pair pair("secure-roles");
  const ChildProcess process = Start("secure-roles", pair.folder, "secure-roles");
  const std::string reader = TokenOf("scraper", true);
  const std::string other = TokenOf("stranger", false);
  const std::string ca = pair.ca.pem();
  EXPECT_EQ(Scrape(process, ca, "").status, 401);
  EXPECT_EQ(Scrape(process, ca, "abc").status, 401);
  EXPECT_EQ(Scrape(process, ca, reader.substr(0, reader.size() - 4) + "AAAA").status, 401);
  const Scraped denied = Scrape(process, ca, other);
  EXPECT_EQ(denied.status, 403);
  EXPECT_THAT(denied.text, HasSubstr("etcdrestore-metrics-reader"));
  for (int i = 0; i < 2; ++i) {
    const Scraped admitted = Scrape(process, ca, reader);
    EXPECT_EQ(admitted.status, 200) << admitted.text << process.Log();
    EXPECT_THAT(admitted.text, HasSubstr("etcdrestore_build_info"));
  }
  EXPECT_EQ(Scrape(process, ca, reader, "/healthz").status, 404);
  for (const std::string& token : {reader, other}) {
    EXPECT_GT(token.size(), 100U);
    EXPECT_THAT(process.Log(), Not(HasSubstr(token)));
  }
}

TEST(SecureScrape, ProbesStayPlainAndOpenAndGiveNoMetrics) {
  const Pair pair("secure-probes");
  const ChildProcess process = Start("secure-probes", pair.folder, "secure-probes");
  const std::string base = "http://127.0.0.1:" + std::to_string(PortsIn(process.Log()).at(0));
  EXPECT_EQ(Get(base + "/healthz", "", "").status, 200);
  EXPECT_TRUE(process.WaitUntil([&] { return Get(base + "/readyz", "", "").status == 200; }));
  EXPECT_THAT(Get(base + "/healthz?verbose", "", "").text,
              HasSubstr("[+]leaderElection ok\n[+]watch ok\n[+]workers ok\n"));
  EXPECT_EQ(Get(base + "/readyz/objects", "", "").text, "ok");
  EXPECT_EQ(Get(base + "/healthz/unknown", "", "").status, 404);
  const Scraped metrics = Get(base + "/metrics", "", TokenOf("scraper", true));
  EXPECT_EQ(metrics.status, 404);
  EXPECT_THAT(metrics.text, Not(HasSubstr("etcdrestore_")));
}

TEST(SecureScrape, AProcessThatDoesNotLeadIsScrapedToo) {
  const Pair pair("secure-both");
  const ChildProcess first = Start("secure-first", pair.folder, "secure-both");
  ASSERT_TRUE(first.WaitForLog("Leading")) << first.Log();
  const ChildProcess second = Start("secure-second", pair.folder, "secure-both");
  ASSERT_TRUE(second.WaitForLog("Another process leads")) << second.Log();
  const Scraped scraped = Scrape(second, pair.ca.pem(), TokenOf("scraper", true));
  EXPECT_EQ(scraped.status, 200) << second.Log();
  EXPECT_THAT(scraped.text, HasSubstr("leader_election_master_status{name=\"secure-both\"} 0"));
}

TEST(SecureScrape, WithoutTheRolesOfTheComponentNobodyCanBeJudged) {
  const Pair pair("secure-weak");
  const ChildProcess process = Start("secure-weak", pair.folder, "secure-weak",
                                     "system:serviceaccount:etcdrestore-system:weak");
  const Scraped failed = Scrape(process, pair.ca.pem(), TokenOf("scraper", true));
  EXPECT_EQ(failed.status, 500);
  EXPECT_THAT(failed.text, Not(HasSubstr("etcdrestore_")));
  EXPECT_THAT(process.Log(), HasSubstr("create tokenreviews: 403"));
}

TEST(SecureScrape, WithoutFilesItShowsACertificateOfItsOwn) {
  const ChildProcess process = Start("secure-own", "", "secure-own");
  const std::string own = CertificateShownOn(PortsIn(process.Log()).at(1));
  EXPECT_EQ(Scrape(process, own, "").status, 401);
  EXPECT_EQ(Scrape(process, own, TokenOf("scraper", true)).status, 200);
}

TEST(SecureScrape, ABrokenNewCertificateIsCountedAndTheNextGoodOneIsTaken) {
  const Pair pair("secure-rotated");
  const ChildProcess process = Start("secure-rotated", pair.folder, "secure-rotated");
  const int port = PortsIn(process.Log()).at(1);
  const std::string token = TokenOf("scraper", true);
  const std::string first = CertificateShownOn(port);
  pair.Put({pair.ca.Issue("IP:127.0.0.1").certificate, pair.ca.Issue("IP:127.0.0.1").key});
  const std::string counter = "certwatcher_read_certificate_errors_total ";
  EXPECT_TRUE(process.WaitUntil([&] {
    const Scraped scraped = Scrape(process, pair.ca.pem(), token);
    EXPECT_THAT(scraped.text, HasSubstr(counter));
    return scraped.text.find(counter + "1") != std::string::npos;
  })) << process.Log();
  EXPECT_EQ(CertificateShownOn(port), first);
  EXPECT_THAT(process.Log(), HasSubstr("the private key is not that of the certificate"));
  const auto second = pair.ca.Issue("IP:127.0.0.1");
  pair.Put(second);
  EXPECT_TRUE(process.WaitUntil([&] { return CertificateShownOn(port) == second.certificate; }));
  EXPECT_EQ(Scrape(process, pair.ca.pem(), token).status, 200);
}

TEST(SecureScrape, ClientsThatDoNotSpeakTlsAreCutAndOthersAnswered) {
  const Pair pair("secure-rude");
  const ChildProcess process = Start("secure-rude", pair.folder, "secure-rude");
  const int port = PortsIn(process.Log()).at(1);
  EXPECT_EQ(Get("http://127.0.0.1:" + std::to_string(port) + "/metrics", "", "").status, 0);
  const int silent = ConnectToLoopback(port);
  const Scraped next = Scrape(process, pair.ca.pem(), TokenOf("scraper", true));
  EXPECT_EQ(next.status, 200) << next.text << process.Log();
  close(silent);
}

TEST(SecureScrape, WithoutItsCertificateTheOperatorDoesNotBegin) {
  const std::string& folder = Server().folder();
  ChildProcess process({ETCDRESTORE_PROGRAM, "operator", "--kubeconfig", Server().Kubeconfig(),
                        "--metrics-bind-address", "127.0.0.1:0", "--health-probe-bind-address", "0",
                        "--metrics-secure", "--metrics-cert-path", "/nowhere"},
                       folder + "/no-certificate.log", {"HOME=" + folder});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.Log(), HasSubstr("open /nowhere/tls.crt: No such file"));
}

}  // namespace
}  // namespace etcdrestore::testing
