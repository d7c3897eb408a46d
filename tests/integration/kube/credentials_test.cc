// Credentials of a kubeconfig, from the file to what a real TLS server sees, while they change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "operator/adapters/kube/kube_client.h"
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KubeCredentials : public ::testing::Test {
 protected:
  KubeCredentials() {
    folder_ = (std::filesystem::temp_directory_path() / "credentials-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Write("ca.crt", ca_.pem());
  }
  ~KubeCredentials() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/" + name, text));
    return folder_ + "/" + name;
  }
  /// Accepts these tokens alone; any, when there is none.
  void Serve(const std::string& client_ca = "", const std::string& names = "IP:127.0.0.1") {
    server_ = std::make_unique<HttpTestServer>(
        [this](const TestRequest& request) {
          if (held_.valid()) return LateRefusal(std::exchange(held_, {}));
          const auto header = request.headers.find("authorization");
          shown_.push_back(header == request.headers.end() ? "" : header->second);
          const bool good = accepted_.empty() || shown_.back() == "Bearer " + accepted_;
          return TestReply{.status = good ? 200 : 401, .body = "{\"kind\":\"ConfigMap\"}"};
        },
        HttpTestServer::Tls{ca_.Issue(names), client_ca});
  }
  static TestReply LateRefusal(const std::shared_future<void>& until) {
    TestReply reply;
    reply.stream = [until](const std::function<bool(std::string_view)>& send) {
      until.wait();
      send("HTTP/1.1 401 Late\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    return reply;
  }
  void Connect(const std::string& user, const std::string& cluster = "") {
    const std::string path =
        Write("config", "current-context: a\nclusters: [{name: c, cluster: {server: '" +
                            (server_ ? server_->Url() : std::string("http://api.invalid:6443")) +
                            "', certificate-authority: ca.crt" + cluster +
                            "}}]\nusers: [{name: u, user: {" + user +
                            "}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n");
    auto access = ReadKubeconfig({path}, "");
    ASSERT_TRUE(access) << access.error().message;
    KubeClientOptions options;
    options.retry.attempts = 1;
    options.retry.wait = [](const Call&, Duration) { return Status(); };
    options.retry.chance = [] { return 0.0; };
    api_ = MakeKubeClient(std::move(*access), std::move(options), clock_);
  }
  /// "" or the error's reason.
  std::string Get() {
    const auto got = api_->Get(Call().Within(20s), kConfigMaps, {"a", "b"});
    return got ? "" : got.error().reason + ": " + got.error().message;
  }

  TestCa ca_;
  std::string folder_;
  fakes::VirtualClock clock_{*ParseTime("2026-11-22T03:00:00Z")};
  std::string accepted_;
  std::vector<std::string> shown_;
  /// The next request is refused, but only then.
  std::shared_future<void> held_;
  std::unique_ptr<HttpTestServer> server_;
  std::unique_ptr<KubeApi> api_;
};

TEST_F(KubeCredentials, ATokenFileIsReadAgainEveryMinute) {
  Serve();
  Write("token", "one\n");
  Connect("tokenFile: token");
  EXPECT_EQ(Get(), "");
  Write("token", "two\n");
  EXPECT_EQ(Get(), "");
  clock_.Advance(61s);
  EXPECT_EQ(Get(), "");
  std::filesystem::remove(folder_ + "/token");
  clock_.Advance(61s);
  EXPECT_EQ(Get(), "") << "a file that is away for a moment is no reason to stop";
  EXPECT_THAT(shown_, ElementsAre("Bearer one", "Bearer one", "Bearer two", "Bearer two"));
}

TEST_F(KubeCredentials, AnEmptyTokenFileIsNoToken) {
  Serve();
  Write("token", "");
  Connect("tokenFile: token");
  EXPECT_THAT(Get(), HasSubstr("is empty"));
  Write("token", "one\n");
  EXPECT_EQ(Get(), "");
  Write("token", " \r\n");
  clock_.Advance(61s);
  EXPECT_EQ(Get(), "") << "it is being replaced";
  EXPECT_THAT(shown_, ElementsAre("Bearer one", "Bearer one"));
}

TEST_F(KubeCredentials, ARefusedTokenIsReadAgainAtOnceAndTriedOnce) {
  Serve();
  Write("token", "old");
  Connect("tokenFile: token");
  EXPECT_EQ(Get(), "");
  accepted_ = "new";
  Write("token", "new");
  EXPECT_EQ(Get(), "");
  EXPECT_THAT(shown_, ElementsAre("Bearer old", "Bearer old", "Bearer new"));
  accepted_ = "another";
  EXPECT_THAT(Get(), HasSubstr("Unauthorized"));
  EXPECT_EQ(shown_.size(), 5U) << "once more and not for ever";
}

TEST_F(KubeCredentials, ACaThatIsReplacedIsSeenWithoutARestart) {
  Serve();
  const TestCa other;
  Write("ca.crt", other.pem());
  Connect("token: t");
  EXPECT_NE(Get(), "") << "a server of another CA is not trusted";
  Write("ca.crt", ca_.pem());
  EXPECT_EQ(Get(), "");
}

TEST_F(KubeCredentials, AClientCertificateThatIsReplacedIsShownAfterFiveMinutes) {
  const TestCa client_ca;
  const TestCa other;
  Serve(client_ca.pem());
  const auto put = [&](const CertificateAndKey& pair) {
    Write("client.crt", pair.certificate);
    Write("client.key", pair.key);
  };
  put(other.IssueClient("u", "g"));
  Connect("client-certificate: client.crt, client-key: client.key");
  EXPECT_NE(Get(), "");
  put(client_ca.IssueClient("u", "g"));
  EXPECT_NE(Get(), "") << "read a moment ago";
  clock_.Advance(301s);
  EXPECT_EQ(Get(), "");
}

TEST_F(KubeCredentials, AServerMayHaveAnotherNameThanItsAddress) {
  Serve("", "DNS:api.example.com");
  Connect("token: t");
  EXPECT_THAT(Get(), HasSubstr("BadCertificate"));
  Connect("token: t", ", tls-server-name: api.example.com");
  EXPECT_EQ(Get(), "");
}

TEST_F(KubeCredentials, AProxyOfTheKubeconfigIsUsed) {
  // A host that no resolver knows: only a proxy can have asked for it.
  HttpTestServer proxy([](const TestRequest&) { return TestReply{.body = "{}"}; });
  Connect("", ", proxy-url: '" + proxy.Url() + "'");
  EXPECT_EQ(Get(), "");
  ASSERT_EQ(proxy.requests().size(), 1U);
  EXPECT_EQ(proxy.requests().front().target,
            "http://api.invalid:6443/api/v1/namespaces/a/configmaps/b");
}

class ExecPluginTest : public KubeCredentials {
 protected:
  void Plugin(const std::string& script) {
    const std::string path = Write("plugin", "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  /// Prints a token with the number of the run, and notes what it was told.
  static std::string Numbered(const std::string& folder, const std::string& expires) {
    return "cd " + folder +
           "\necho run >> runs\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > info\n"
           "printf '%s' \"$1 $MORE\" > told\necho a word on stderr >&2\n"
           "echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": "
           "\"ExecCredential\",'\n"
           "echo '\"status\": {\"token\": \"token-'$(wc -l < runs)'\"" +
           (expires.empty() ? "" : ", \"expirationTimestamp\": \"" + expires + "\"") + "}}'\n";
  }
  static constexpr const char* kUser =
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [login], "
      "env: [{name: MORE, value: words}], installHint: get it from the shelf, "
      "provideClusterInfo: true, interactiveMode: Never}";
};

TEST_F(ExecPluginTest, RunsOnceAndAgainWhenItsTokenExpires) {
  Serve();
  Plugin(Numbered(folder_, "2026-11-22T03:10:00Z"));
  Connect(kUser);
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(Get(), "");
  clock_.Advance(9min);
  EXPECT_EQ(Get(), "");
  clock_.Advance(55s);
  EXPECT_EQ(Get(), "") << "ten seconds before it expires it is made anew";
  EXPECT_THAT(shown_,
              ElementsAre("Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2"));
  EXPECT_EQ(ReadFile(folder_ + "/told").value_or(""), "login words");
}

TEST_F(ExecPluginTest, RunsAgainWhenTheServerRefusesItsToken) {
  Serve();
  Plugin(Numbered(folder_, ""));
  Connect(kUser);
  EXPECT_EQ(Get(), "");
  accepted_ = "token-2";
  EXPECT_EQ(Get(), "");
  EXPECT_THAT(shown_, ElementsAre("Bearer token-1", "Bearer token-1", "Bearer token-2"));
}

TEST_F(ExecPluginTest, DoesNotRunAgainWhenATokenIsRefusedThatWasReplacedAlready) {
  Serve();
  Plugin(Numbered(folder_, ""));
  Connect(kUser);
  EXPECT_EQ(Get(), "");
  accepted_ = "token-2";
  std::promise<void> refuse;
  held_ = refuse.get_future().share();
  std::string late;
  std::thread slow([&] { late = Get(); });
  server_->WaitForRequests(2);
  EXPECT_EQ(Get(), "") << "refused and made anew";
  refuse.set_value();
  slow.join();
  EXPECT_EQ(late, "");
  EXPECT_EQ(ReadFile(folder_ + "/runs").value_or(""), "run\nrun\n");
  EXPECT_EQ(shown_.back(), "Bearer token-2");
}

TEST_F(ExecPluginTest, ItsVariablesReplaceOurs) {
  ::setenv("MORE", "ours", 1);
  ::setenv("KUBERNETES_EXEC_INFO", "ours", 1);
  Serve();
  Plugin("cd " + folder_ +
         "\ntr '\\0' '\\n' < /proc/$$/environ | grep -E '^(PATH|MORE|KUBERNETES_EXEC_INFO)=' > "
         "variables\n" +
         Numbered(folder_, ""));
  Connect(kUser);
  EXPECT_EQ(Get(), "");
  ::unsetenv("MORE");
  ::unsetenv("KUBERNETES_EXEC_INFO");
  const std::string variables = "\n" + ReadFile(folder_ + "/variables").value_or("");
  EXPECT_THAT(variables, HasSubstr("\nMORE=words\n"));
  EXPECT_THAT(variables, HasSubstr("\nKUBERNETES_EXEC_INFO={"));
  EXPECT_THAT(variables, HasSubstr("\nPATH=")) << "the others are as they were";
  EXPECT_THAT(variables, Not(HasSubstr("=ours")));
}

TEST_F(ExecPluginTest, IsToldOfTheClusterItIsFor) {
  Serve("", "DNS:api.example.com");
  Plugin(Numbered(folder_, ""));
  Connect(kUser, ", tls-server-name: api.example.com");
  EXPECT_EQ(Get(), "");
  const auto info = KubeObject::parse(ReadFile(folder_ + "/info").value_or(""), nullptr, false);
  ASSERT_TRUE(info.is_object());
  EXPECT_EQ(info["apiVersion"], "client.authentication.k8s.io/v1");
  EXPECT_EQ(info["spec"]["interactive"], false);
  EXPECT_EQ(info["spec"]["cluster"]["server"], server_->Url());
  EXPECT_EQ(info["spec"]["cluster"]["tls-server-name"], "api.example.com");
  EXPECT_EQ(info["spec"]["cluster"]["certificate-authority-data"], EncodeBase64(ca_.pem()));
}

TEST_F(ExecPluginTest, ThatGivesACertificateIsKnownByIt) {
  const TestCa client_ca;
  Serve(client_ca.pem());
  const CertificateAndKey pair = client_ca.IssueClient("u", "g");
  const KubeObject credential = {
      {"apiVersion", "client.authentication.k8s.io/v1"},
      {"kind", "ExecCredential"},
      {"status", {{"clientCertificateData", pair.certificate}, {"clientKeyData", pair.key}}}};
  Plugin("cat " + Write("credential", credential.dump()) + "\n");
  Connect(kUser);
  EXPECT_EQ(Get(), "");
}

/// What a plugin prints, with this in the place of its status.
std::string WithStatus(const std::string& status) {
  return "echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": "
         "\"ExecCredential\", "
         "\"status\": " +
         status + "}'\n";
}

TEST_F(ExecPluginTest, MayLeaveFieldsEmptyAsProgramsInGoDo) {
  Serve();
  Plugin(WithStatus(
      R"({"token": "t", "clientCertificateData": null, "clientKeyData": null, "expirationTimestamp": null})"));
  Connect(kUser);
  EXPECT_EQ(Get(), "");
  EXPECT_THAT(shown_, ElementsAre("Bearer t"));
}

TEST_F(ExecPluginTest, ThatAnswersInTheWrongShapeIsAFailureAndNoMore) {
  Serve();
  Connect(kUser);
  for (const char* status : {"null", "7", "[]", R"({"token": null})", R"({"token": 7})",
                             R"({"token": {}, "clientCertificateData": []})"}) {
    SCOPED_TRACE(status);
    Plugin(WithStatus(status));
    EXPECT_THAT(Get(), HasSubstr("ExecPluginFailed"));
  }
  Plugin("echo '{\"kind\": 7, \"apiVersion\": {}}'\n");
  EXPECT_THAT(Get(), HasSubstr("no ExecCredential"));
  Plugin(
      "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": 7, \"status\": {\"token\": \"t\"}}'\n");
  EXPECT_THAT(Get(), HasSubstr("another apiVersion"));
  EXPECT_TRUE(shown_.empty());
}

TEST_F(ExecPluginTest, SaysWhatIsWrongAndWhereToGetIt) {
  Serve();
  Connect(kUser);
  EXPECT_THAT(Get(), HasSubstr("get it from the shelf")) << "the program is not there";
  Plugin("exit 3\n");
  EXPECT_THAT(Get(), HasSubstr("ended with code 3"));
  Plugin("echo nothing\n");
  EXPECT_THAT(Get(), HasSubstr("no ExecCredential"));
  Plugin(
      "echo '{\"apiVersion\": \"client.authentication.k8s.io/v1beta1\", \"kind\": "
      "\"ExecCredential\", \"status\": {\"token\": \"t\"}}'\n");
  EXPECT_THAT(Get(), HasSubstr("another apiVersion"));
  EXPECT_TRUE(shown_.empty()) << "nothing was asked without credentials";
}

}  // namespace
}  // namespace etcdrestore::testing
