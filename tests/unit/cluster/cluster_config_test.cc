#include "reconcilers/cluster/cluster_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "operator/adapters/manifests/cluster_text.h"

namespace etcdrestore {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kSmall = R"(kubernetes_version: v1.32.2-rancher1-1
nodes:
  - {address: 1.1.1.1, user: ubuntu, role: [controlplane, etcd]}
)";

ClusterConfig Parsed(const std::string& text) {
  auto config = ParseClusterConfigText(text, "cluster.yml");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : ClusterConfig{};
}

Error Refused(const std::string& text) {
  const auto config = ParseClusterConfigText(text, "cluster.yml");
  EXPECT_FALSE(config) << text;
  return config ? Error{} : config.error();
}

TEST(ClusterConfig, AppliesTheDefaultsOfRke) {
  const ClusterConfig config = Parsed(kSmall);
  ASSERT_EQ(config.nodes.size(), 1U);
  const ClusterNode& node = config.nodes[0];
  EXPECT_EQ(node.internal_address, "1.1.1.1");
  EXPECT_EQ(node.port, 22);
  EXPECT_EQ(node.hostname, "1.1.1.1");
  EXPECT_EQ(node.docker_socket, "/var/run/docker.sock");
  EXPECT_EQ(node.ssh_key_path, "~/.ssh/id_rsa");
  EXPECT_EQ(node.ssh_key, "");
  EXPECT_EQ(config.prefix_path, "");
  EXPECT_FALSE(config.ssh_agent_auth);
  EXPECT_FALSE(config.secrets_encryption);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(ClusterConfig, ReadsWhatTheFileSays) {
  const ClusterConfig config = Parsed(R"(
kubernetes_version: v1.32.2-rancher1-1
ssh_key_path: ~/.ssh/all
ssh_agent_auth: yes
prefix_path: /opt/custom/
system_images: {etcd: "registry/etcd:v3.5.16"}
private_registries:
  - {url: registry.example.com, user: u, password: p, is_default: true}
services:
  etcd:
    uid: 52034
    gid: 52035
    external_urls: []
    extra_args: {election-timeout: 5000, quota-backend-bytes: "8589934592", debug: true}
  kube-api:
    secrets_encryption_config: {enabled: true}
bastion_host: {address: "", port: "", user: ""}
nodes:
  - address: 1.1.1.1
    internal_address: 10.0.0.1
    port: "2222"
    user: root
    role: [controlplane, etcd]
    hostname_override: Node-1
    docker_socket: /run/other.sock
    ssh_key: inline
  - {address: 1.1.1.2, port: 2223, user: root, role: [worker], ssh_key_path: /k2,
     hostname_override: "", docker_socket: "", labels: {}, taints: []}
)");
  EXPECT_EQ(config.prefix_path, "/opt/custom");
  EXPECT_EQ(config.etcd_image, "registry/etcd:v3.5.16");
  EXPECT_EQ(config.private_registries.at(0)["password"], "p");
  EXPECT_EQ(config.etcd_uid, 52034);
  EXPECT_EQ(config.etcd_gid, 52035);
  EXPECT_THAT(config.etcd_extra_args,
              UnorderedElementsAre(std::pair("election-timeout", "5000"),
                                   std::pair("quota-backend-bytes", "8589934592"),
                                   std::pair("debug", "true")));
  EXPECT_TRUE(config.ssh_agent_auth);
  EXPECT_TRUE(config.secrets_encryption);
  const ClusterNode& first = config.nodes[0];
  EXPECT_EQ(first.internal_address, "10.0.0.1");
  EXPECT_EQ(first.port, 2222);
  EXPECT_EQ(first.hostname, "node-1");
  EXPECT_EQ(first.docker_socket, "/run/other.sock");
  EXPECT_EQ(first.ssh_key, "inline");
  EXPECT_EQ(first.ssh_key_path, "~/.ssh/all");
  const ClusterNode& second = config.nodes[1];
  EXPECT_EQ(second.port, 2223);
  EXPECT_EQ(second.ssh_key_path, "/k2");
  EXPECT_EQ(second.hostname, "1.1.1.2");
  EXPECT_EQ(second.docker_socket, "/var/run/docker.sock");
  EXPECT_EQ(config.WithRole("worker").at(0).address, "1.1.1.2");
  EXPECT_EQ(config.WithRole("etcd").size(), 1U);
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("cluster.yml:4:17: yes is read as true")));
}

TEST(ClusterConfig, TellsAllFaultsAtOnceWithTheirPaths) {
  const Error error = Refused(R"(
prefix_path: relative
services: {etcd: {uid: root, extra_args: [a]}}
ssh_agent_auth: maybe
nodes:
  - {address: 1.1.1.1, role: [controlplane, master]}
  - {address: 1.1.1.1, user: u, role: [etcd], port: 70000}
  - {address: 1.1.1.2, user: u, role: [], hostname_override: A, port: ssh}
  - {address: 1.1.1.3, user: u, role: etcd, hostname_override: a}
  - {user: [x], role: [worker, [x]], hostname_override: a_b}
  - 5
)");
  EXPECT_EQ(error.reason, "ClusterConfigInvalid");
  EXPECT_EQ(error.kind, ErrorKind::kTerminal);
  for (const char* line :
       {"prefix_path: relative is not an absolute path", "services.etcd.uid: is not a number",
        "services.etcd.extra_args: is not a mapping", "ssh_agent_auth: is not true or false",
        "nodes[0].user: is required", "nodes[0].role[1]: master is not a role",
        "nodes[1].port: 70000 is not a port", "nodes[1].address: 1.1.1.1 is already a node",
        "nodes[2].role: is required", "nodes[2].port: ssh is not a port",
        "nodes[3].role: is not a list", "nodes[3].hostname_override: another node is named a",
        "nodes[4].address: is required", "nodes[4].user: is a list or mapping",
        "nodes[4].role[1]: is not text", "nodes[4].hostname_override: a_b is not a DNS name",
        "nodes[5]: is not a mapping"}) {
    EXPECT_THAT(error.message, HasSubstr(line));
  }
}

TEST(ClusterConfig, NeedsEtcdAndControlPlane) {
  const Error error = Refused("nodes: [{address: a, user: u, role: [worker]}]");
  EXPECT_THAT(error.message, HasSubstr("none has the role etcd"));
  EXPECT_THAT(error.message, HasSubstr("none has the role controlplane"));
  EXPECT_THAT(Refused("nodes: []").message, HasSubstr("nodes: is required"));
  EXPECT_THAT(Refused("{}").message, HasSubstr("nodes: is required"));
}

TEST(ClusterConfig, RefusesWhatIsNotSupportedInWords) {
  const Error bastion = Refused(std::string(kSmall) + "bastion_host: {address: 9.9.9.9}\n");
  EXPECT_EQ(bastion.reason, "ClusterConfigUnsupported");
  EXPECT_THAT(bastion.message, HasSubstr("bastion_host: "));
  EXPECT_THAT(bastion.message, HasSubstr("run the operator on the bastion"));
  const Error external =
      Refused(std::string(kSmall) + "services: {etcd: {external_urls: ['https://e']}}\n");
  EXPECT_EQ(external.reason, "ClusterConfigUnsupported");
  EXPECT_THAT(external.message, HasSubstr("services.etcd.external_urls: "));
}

TEST(ClusterConfig, RefusesTextThatIsNotOneMapping) {
  EXPECT_THAT(Refused("").message, HasSubstr("want one YAML document, found 0"));
  EXPECT_THAT(Refused("a: 1\n---\nb: 1\n").message, HasSubstr("found 2"));
  EXPECT_THAT(Refused("- a\n").message, HasSubstr("not a mapping"));
  EXPECT_THAT(Refused("a: &x 1\n").message, HasSubstr("cluster.yml:1:4: anchors"));
}

TEST(ClusterConfig, WarnsOfWhatCouldSurprise) {
  const ClusterConfig config = Parsed(R"(
cloud_provider: {name: aws}
nodes: [{address: a, user: u, role: [etcd, controlplane], ssh_cert_path: /c}]
)");
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("nodes[0].ssh_cert_path: "), HasSubstr("cloud_provider.name: "),
                          HasSubstr("kubernetes_version: is not set")));
}

TEST(ClusterConfig, RenderedTextMeansTheSameAndKeepsUnknownKeys) {
  const ClusterConfig config =
      Parsed(std::string(kSmall) + "my_own: {b: 1, a: [x, 'yes']}\naddons: |-\n  ---\n  k: v\n");
  const std::string text = RenderClusterConfigText(config);
  const ClusterConfig again = Parsed(text);
  EXPECT_EQ(again.raw.dump(), config.raw.dump());
  EXPECT_EQ(again.raw["my_own"].dump(), R"({"b":1,"a":["x","yes"]})");
  EXPECT_EQ(again.raw["addons"], "---\nk: v");
  EXPECT_EQ(RenderClusterConfigText(again), text);
}

}  // namespace
}  // namespace etcdrestore
