#include "operator/adapters/kube/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace etcdrestore {
namespace {

using testing::HasSubstr;

class Kubeconfig : public testing::Test {
 protected:
  Kubeconfig() {
    folder_ = (std::filesystem::temp_directory_path() / "kubeconfig-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~Kubeconfig() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  [[nodiscard]] Result<KubeAccess> WithUser(const std::string& user,
                                            const std::string& cluster = "") const {
    return ReadKubeconfig(
        {Write("config",
               "current-context: a\n"
               "clusters: [{name: c, cluster: {server: 'https://h:6443/'" +
                   cluster +
                   "}}]\n"
                   "users: [{name: u, user: {" +
                   user +
                   "}}]\n"
                   "contexts: [{name: a, context: {cluster: c, user: u, namespace: ops}}]\n")},
        "");
  }
  std::string folder_;
};

TEST_F(Kubeconfig, ReadsACertificateUserWithDataBeforeFiles) {
  const auto access =
      WithUser("client-certificate: cert.pem, client-key: keys/key.pem, client-key-data: a2V5",
               ", certificate-authority-data: Y2E=, tls-server-name: api.example.com");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://h:6443");
  EXPECT_EQ(access->tls_server_name, "api.example.com");
  EXPECT_EQ(access->ca.text, "ca");
  EXPECT_EQ(access->client_cert.file, folder_ + "/cert.pem") << "relative to the kubeconfig";
  EXPECT_EQ(access->client_key.text, "key");
  EXPECT_EQ(access->name_space, "ops");
}

TEST_F(Kubeconfig, ReadsTokensAndTokenFiles) {
  const auto access = WithUser("token: abc, tokenFile: t");
  ASSERT_TRUE(access);
  EXPECT_EQ(access->token.Reveal(), "abc");
  EXPECT_EQ(access->token_file, folder_ + "/t");
}

TEST_F(Kubeconfig, ReadsExecPlugins) {
  const auto access = WithUser(
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./get-token, args: [x, z], "
      "env: [{name: A, value: b}], installHint: get it, interactiveMode: Never}");
  ASSERT_TRUE(access) << access.error().message;
  ASSERT_TRUE(access->exec);
  EXPECT_THAT(access->exec->argv.front(), HasSubstr(folder_));
  EXPECT_EQ(access->exec->argv.back(), "z");
  EXPECT_THAT(access->exec->environment, testing::ElementsAre("A=b"));
}

TEST_F(Kubeconfig, NamesWhatItDoesNotSupport) {
  for (const char* user : {"username: a, password: b", "auth-provider: {name: gcp}", "as: root",
                           "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}",
                           "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, "
                           "interactiveMode: Always}"}) {
    SCOPED_TRACE(user);
    const auto access = WithUser(user);
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().reason, "KubeconfigUnsupported");
  }
  EXPECT_EQ(WithUser("token: a", ", insecure-skip-tls-verify: true").error().reason,
            "KubeconfigUnsupported");
}

TEST_F(Kubeconfig, AFlagThatIsLeftEmptyIsFalseAndAnotherWordIsNone) {
  const auto access = WithUser("token: a", ", insecure-skip-tls-verify:");
  EXPECT_TRUE(access) << access.error().message;
  const std::string plugin = "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, ";
  const auto with_plugin = WithUser(plugin + "provideClusterInfo: }");
  ASSERT_TRUE(with_plugin) << with_plugin.error().message;
  EXPECT_FALSE(with_plugin->exec->provide_cluster);
  for (const auto& wrong : {WithUser("token: a", ", insecure-skip-tls-verify: 'true'"),
                            WithUser("token: a", ", insecure-skip-tls-verify: 1"),
                            WithUser(plugin + "provideClusterInfo: {}}")}) {
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().reason, "KubeconfigInvalid");
    EXPECT_THAT(wrong.error().message, HasSubstr("want true or false"));
  }
}

TEST_F(Kubeconfig, ReadsAProxy) {
  const auto access = WithUser("token: a", ", proxy-url: 'http://p:3128'");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->proxy_url, "http://p:3128");
  EXPECT_EQ(WithUser("token: a", ", proxy-url: 'socks5://p:1080'")->proxy_url, "socks5h://p:1080")
      << "the proxy resolves the server's name";
  EXPECT_EQ(WithUser("token: a", ", proxy-url: 'ftp://p'").error().reason, "KubeconfigInvalid");
}

TEST_F(Kubeconfig, NeverSendsCredentialsInTheClear) {
  const std::string path =
      Write("plain",
            "current-context: a\nclusters: [{name: c, cluster: {server: 'http://h'}}]\n"
            "users: [{name: u, user: {token: t}}]\n"
            "contexts: [{name: a, context: {cluster: c, user: u}}]\n");
  EXPECT_THAT(ReadKubeconfig({path}, "").error().message, HasSubstr("https only"));
}

TEST_F(Kubeconfig, FirstFileWinsAndMissingOnesArePassedOver) {
  const std::string first = Write("first",
                                  "current-context: b\n"
                                  "clusters: [{name: c, cluster: {server: 'https://1'}}]\n");
  const std::string second = Write("second",
                                   "current-context: a\n"
                                   "clusters: [{name: c, cluster: {server: 'https://2'}}]\n"
                                   "contexts: [{name: b, context: {cluster: c}}]\n");
  const auto access = ReadKubeconfig({folder_ + "/none", first, second}, "");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://1");
}

TEST_F(Kubeconfig, SaysWhichContextsThereAre) {
  const auto access = WithUser("token: t");
  ASSERT_TRUE(access);
  const auto wrong = ReadKubeconfig({folder_ + "/config"}, "production");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("there are: a"));
  EXPECT_EQ(ReadKubeconfig({folder_ + "/none"}, "").error().reason, "KubeconfigMissing");
}

TEST_F(Kubeconfig, APodUsesItsServiceAccount) {
  Write("token", "t");
  Write("namespace", "ops");
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto access = InClusterAccess(folder_);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->token_file, folder_ + "/token");
  EXPECT_EQ(access->name_space, "ops");
  EXPECT_EQ(InClusterAccess(folder_).error().reason, "NotInCluster");
}

TEST_F(Kubeconfig, APodWhoseNamespaceIsNotKnownIsInNoOther) {
  Write("token", "t");
  ::setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto missing = InClusterAccess(folder_);
  std::filesystem::create_directory(folder_ + "/namespace");
  const auto unreadable = InClusterAccess(folder_);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_EQ(missing->name_space, "");
  ASSERT_FALSE(unreadable) << unreadable->name_space;
  EXPECT_EQ(unreadable.error().reason, "FileUnreadable");
  EXPECT_THAT(unreadable.error().message, HasSubstr(folder_ + "/namespace"));
}

}  // namespace
}  // namespace etcdrestore
