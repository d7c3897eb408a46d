#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "operator/adapters/manifests/cluster_text.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;

constexpr const char* kThree = R"(kubernetes_version: v1.32.2-rancher1-1
nodes:
  - {address: 1.1.1.1, user: u1, role: [controlplane, etcd], hostname_override: N1, internal_address: 10.0.0.1}
  - {address: 1.1.1.2, user: u2, role: [etcd], ssh_key_path: /k2, port: "2222", labels: {a: b}}
  - {address: 1.1.1.3, user: u3, role: [etcd, worker], internal_address: "", hostname_override: n3}
network: {plugin: canal}
)";

ClusterConfig Three() { return *ParseClusterConfigText(kThree, "cluster.yml"); }

std::string Refused(const std::vector<NodeReplacement>& changes) {
  const auto replaced = ReplaceNodes(Three(), changes);
  EXPECT_FALSE(replaced);
  if (replaced) return "accepted";
  EXPECT_EQ(replaced.error().reason, "ReplaceNodesInvalid");
  EXPECT_EQ(replaced.error().kind, ErrorKind::kTerminal);
  return replaced.error().message;
}

TEST(ReplaceNodes, KeepsUserRoleKeyAndEverythingElse) {
  const auto replaced = ReplaceNodes(Three(), {{"1.1.1.2", "4.4.4.6", "", ""}});
  ASSERT_TRUE(replaced) << replaced.error().message;
  const ClusterNode& node = replaced->nodes[1];
  EXPECT_EQ(node.address, "4.4.4.6");
  EXPECT_EQ(node.internal_address, "4.4.4.6");
  EXPECT_EQ(node.hostname, "4.4.4.6");
  EXPECT_EQ(node.user, "u2");
  EXPECT_EQ(node.port, 2222);
  EXPECT_EQ(node.ssh_key_path, "/k2");
  EXPECT_EQ(node.roles, std::vector<std::string>{"etcd"});
  auto wanted = Three().raw;
  wanted["nodes"][1]["address"] = "4.4.4.6";
  EXPECT_EQ(replaced->raw.dump(), wanted.dump());
}

TEST(ReplaceNodes, KeepsTheNodesNameUnlessAnotherIsGiven) {
  const auto replaced = ReplaceNodes(
      Three(), {{"1.1.1.1", "4.4.4.4", "10.0.0.4", ""}, {"1.1.1.3", "4.4.4.6", "", "N6"}});
  ASSERT_TRUE(replaced) << replaced.error().message;
  EXPECT_EQ(replaced->nodes[0].hostname, "n1");
  EXPECT_EQ(replaced->nodes[0].internal_address, "10.0.0.4");
  EXPECT_EQ(replaced->nodes[2].hostname, "n6");
  EXPECT_EQ(replaced->nodes[2].internal_address, "4.4.4.6");
}

TEST(ReplaceNodes, AllEtcdNodesMayBeNew) {
  EXPECT_TRUE(ReplaceNodes(Three(), {{"1.1.1.1", "4.4.4.1", "10.0.0.4", ""},
                                     {"1.1.1.2", "4.4.4.2", "", ""},
                                     {"1.1.1.3", "4.4.4.3", "", ""}}));
}

TEST(ReplaceNodes, NothingToReplaceChangesNothing) {
  const auto replaced = ReplaceNodes(Three(), {});
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->raw.dump(), Three().raw.dump());
}

TEST(ReplaceNodes, RefusesWhatCannotBeMeant) {
  struct Case {
    const char* name;
    std::vector<NodeReplacement> changes;
    const char* message;
  };
  const Case cases[] = {
      {"unknown address",
       {{"9.9.9.9", "4.4.4.6", "", ""}},
       "replaceNodes[9.9.9.9]: no node of cluster.yml has this address: 1.1.1.1, 1.1.1.2, 1.1.1.3"},
      {"internal address is no key", {{"10.0.0.1", "4.4.4.6", "", ""}}, "no node of cluster.yml"},
      {"twice",
       {{"1.1.1.2", "4.4.4.6", "", ""}, {"1.1.1.2", "4.4.4.7", "", ""}},
       "replaceNodes[1.1.1.2]: is replaced twice"},
      {"in use", {{"1.1.1.2", "1.1.1.3", "", ""}}, "1.1.1.3 is already in use by node 1.1.1.3"},
      {"itself", {{"1.1.1.2", "1.1.1.2", "", ""}}, "1.1.1.2 is already in use by node 1.1.1.2"},
      {"internal in use",
       {{"1.1.1.2", "4.4.4.6", "10.0.0.1", ""}},
       "10.0.0.1 is already in use by node 1.1.1.1"},
      {"the same machine",
       {{"1.1.1.2", "4.4.4.6", "", ""}, {"1.1.1.3", "4.4.4.6", "", ""}},
       "4.4.4.6 is already in use by node 1.1.1.2"},
      {"internal address missing",
       {{"1.1.1.1", "4.4.4.6", "", ""}},
       "its entry has internal_address 10.0.0.1: give with.internalAddress"},
      {"name in use", {{"1.1.1.2", "4.4.4.6", "", "n1"}}, "the name n1 is already another node's"},
      {"name given twice",
       {{"1.1.1.2", "4.4.4.6", "", "x"}, {"1.1.1.3", "4.4.4.7", "", "X"}},
       "the name x is already another node's"},
      {"no new address", {{"1.1.1.2", "", "", ""}}, "with.address is missing"},
      {"bad name", {{"1.1.1.2", "4.4.4.6", "", "a b"}}, "a b is not a DNS name"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_THAT(Refused(one.changes), HasSubstr(one.message));
  }
}

TEST(ReplaceNodes, TellsAllFaultsAtOnce) {
  const std::string message =
      Refused({{"9.9.9.9", "4.4.4.6", "", ""}, {"1.1.1.1", "1.1.1.2", "", ""}});
  EXPECT_THAT(message, HasSubstr("replaceNodes[9.9.9.9]: no node"));
  EXPECT_THAT(message, HasSubstr("replaceNodes[1.1.1.1]: its entry has internal_address"));
  EXPECT_THAT(message, HasSubstr("replaceNodes[1.1.1.1]: 1.1.1.2 is already in use"));
}

}  // namespace
}  // namespace etcdrestore
