#include "operator/snapshot/kubernetes.h"

#include <gtest/gtest.h>

#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;
using Live = std::unordered_map<std::string_view, std::string_view>;

constexpr const char* kPem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

std::string Protobuf(const std::string& config_map) {
  return std::string("k8s\0", 4) + WireText(1, WireText(1, "v1") + WireText(2, "ConfigMap")) +
         WireText(2, config_map) + WireText(3, "") + WireText(4, "");
}

std::string DataEntry(std::string_view key, std::string_view value) {
  return WireText(2, WireText(1, key) + WireText(2, value));
}

SnapshotFacts Describe(const Live& live) {
  SnapshotFacts facts;
  DescribeKubernetes(live, facts);
  return facts;
}

TEST(ResourceOf, IsTheFirstPartAndTheSecondForGroupsAndServices) {
  for (const auto& [key, resource] :
       std::vector<std::pair<std::string, std::optional<std::string_view>>>{
           {"/registry/pods/default/a", "pods"},
           {"/registry/namespaces/kube-system", "namespaces"},
           {"/registry/services/specs/default/kubernetes", "services/specs"},
           {"/registry/services/endpoints/default/kubernetes", "services/endpoints"},
           {"/registry/cert-manager.io/certificates/ns/a", "cert-manager.io/certificates"},
           {"/registry/apiregistration.k8s.io/apiservices/v1.",
            "apiregistration.k8s.io/apiservices"},
           {"/registry/ranges/serviceips", "ranges"},
           {"/registry/lonely", "lonely"},
           {"/registry/group.io", "group.io"},
           {"/registry/", std::nullopt},
           {"/registry//a", std::nullopt},
           {"/registry/a\x1b[2J/b", std::nullopt},
           {"/registry/" + std::string(300, 'a') + "/b", std::nullopt},
           {"/other/pods/a", std::nullopt},
           {"compact_rev_key", std::nullopt},
           {"", std::nullopt}}) {
    SCOPED_TRACE(key);
    EXPECT_EQ(ResourceOf(key, "/registry/"), resource);
  }
}

TEST(EncryptionKeyOf, NamesProviderVersionAndKey) {
  for (const auto& [value, key] : std::vector<std::pair<std::string, std::optional<std::string>>>{
           {"k8s:enc:aescbc:v1:key1:\x01\x02", "k8s:enc:aescbc:v1:key1"},
           {"k8s:enc:secretbox:v1:a-b:", "k8s:enc:secretbox:v1:a-b"},
           {"k8s:enc:kms:v2:vault:data:more", "k8s:enc:kms:v2:vault"},
           {"k8s:enc:aescbc:v1:key1", "k8s:enc:unreadable"},
           {"k8s:enc:aescbc:v1::x", "k8s:enc:unreadable"},
           {"k8s:enc:aescbc:v1:a\nb:x", "k8s:enc:unreadable"},
           {"k8s:enc:", "k8s:enc:unreadable"},
           {"k8s:enc:aescbc:v1:" + std::string(300, 'k') + ":", "k8s:enc:unreadable"},
           {std::string("k8s\0\n", 5), std::nullopt},
           {"{}", std::nullopt},
           {"", std::nullopt}}) {
    SCOPED_TRACE(value);
    EXPECT_EQ(EncryptionKeyOf(value), key);
  }
}

TEST(ConfigMapData, ReadsProtobufAndJson) {
  const std::string map = WireText(1, "metadata") + DataEntry("a", "1") + DataEntry("ca.crt", kPem);
  EXPECT_EQ(ConfigMapData(Protobuf(map), "ca.crt"), kPem);
  EXPECT_EQ(ConfigMapData(Protobuf(map), "a"), "1");
  EXPECT_EQ(ConfigMapData(R"({"data":{"ca.crt":"x\ny"}})", "ca.crt"), "x\ny");
}

TEST(ConfigMapData, IsNothingForAnythingElse) {
  const std::string good = Protobuf(DataEntry("ca.crt", kPem));
  for (const auto& [name, stored] : std::vector<std::pair<const char*, std::string>>{
           {"empty", ""},
           {"only the magic", std::string("k8s\0", 4)},
           {"no data", Protobuf(WireText(1, "metadata"))},
           {"other entry", Protobuf(DataEntry("ca.pem", kPem))},
           {"cut off", good.substr(0, 40)},
           {"entry without value", Protobuf(WireText(2, WireText(1, "ca.crt")))},
           {"encrypted", "k8s:enc:aescbc:v1:key1:xxxx"},
           {"json without data", R"({"kind":"ConfigMap"})"},
           {"json with other types", R"({"data":{"ca.crt":7}})"},
           {"json list", R"(["data"])"},
           {"json cut off", R"({"data":{"ca.crt":"x)"},
           {"json nested deeply", std::string(200000, '[')}}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(ConfigMapData(stored, "ca.crt"), std::nullopt);
  }
}

TEST(DescribeKubernetes, TakesOnlyPemForACa) {
  const std::string good = Protobuf(DataEntry("ca.crt", kPem));
  const std::string bad = Protobuf(DataEntry("ca.crt", "not a certificate"));
  constexpr const char* kKey = "/registry/configmaps/kube-system/kube-root-ca.crt";
  EXPECT_EQ(Describe({{kKey, good}}).kube_root_ca, kPem);
  EXPECT_EQ(Describe({{kKey, bad}}).kube_root_ca, "");
  EXPECT_EQ(Describe({{"/registry/configmaps/default/kube-root-ca.crt", good}}).kube_root_ca, "");
}

TEST(DescribeKubernetes, FindsAnotherEtcdPrefixOnlyWhereTheUsualOneIsUnused) {
  const auto other = Describe({{"/kubernetes.io/namespaces/kube-system", ""},
                               {"/kubernetes.io/foo.io/namespaces/kube-system", ""},
                               {"/kubernetes.io/pods/default/a", ""}});
  EXPECT_EQ(other.kube_namespaces_prefix, "/kubernetes.io/");
  EXPECT_TRUE(other.has_kube_system);
  EXPECT_EQ(other.live_by_resource.at("pods"), 1U);
  const auto usual = Describe({{"/registry/foo.io/namespaces/kube-system", ""}});
  EXPECT_EQ(usual.kube_namespaces_prefix, "/registry/");
  EXPECT_FALSE(usual.has_kube_system);
}

TEST(DescribeKubernetes, NamesEachEncryptionKeyOnce) {
  const auto facts = Describe({{"/registry/secrets/a/1", "k8s:enc:aescbc:v1:new:x"},
                               {"/registry/secrets/a/2", "k8s:enc:aescbc:v1:new:y"},
                               {"/registry/secrets/a/3", "k8s:enc:aescbc:v1:old:z"},
                               {"/registry/secrets/a/4", "plain"}});
  EXPECT_EQ(facts.encryption_keys,
            (std::vector<std::string>{"k8s:enc:aescbc:v1:new", "k8s:enc:aescbc:v1:old"}));
}

TEST(DescribeKubernetes, BoundsWhatACraftedSnapshotCanPutIntoReports) {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (int i = 0; i < 5000; ++i) {
    keys.push_back("/registry/r" + std::to_string(i) + "/a");
    values.push_back("k8s:enc:aescbc:v1:k" + std::to_string(i) + ":x");
  }
  Live live;
  for (std::size_t i = 0; i < keys.size(); ++i) live.emplace(keys[i], values[i]);
  const auto facts = Describe(live);
  EXPECT_EQ(facts.live_by_resource.size(), 4097U);
  EXPECT_EQ(facts.live_by_resource.at("(others)"), 904U);
  EXPECT_EQ(facts.encryption_keys.size(), 64U);
}

}  // namespace
}  // namespace etcdrestore
