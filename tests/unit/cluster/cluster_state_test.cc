#include "reconcilers/cluster/cluster_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "operator/adapters/manifests/cluster_text.h"
#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Pair {
  std::string certificate;
  std::string key;
  std::string fingerprint;
};

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

/// A self-signed certificate with its key, new each time.
Pair MakeCa() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  Pair pair;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  pair.certificate = TextOf(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  pair.key = TextOf(bio);
  bio = BIO_new(BIO_s_mem());
  i2d_X509_bio(bio, certificate);
  pair.fingerprint = "SHA256:" + HexSha256(TextOf(bio));
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

const Pair& Ca() {
  static const Pair pair = MakeCa();
  return pair;
}

Json AState() {
  Json state;
  Json& desired = state["desiredState"];
  desired["rkeConfig"] = {{"kubernetesVersion", "v1.32.2-rancher1-1"},
                          {"systemImages", {{"etcd", "rancher/mirrored-coreos-etcd:v3.5.16"}}}};
  desired["certificatesBundle"]["kube-ca"] = {{"certificatePEM", Ca().certificate},
                                              {"keyPEM", Ca().key}};
  desired["certificatesBundle"]["kube-service-account-token"] = {{"keyPEM", "token key"}};
  state["currentState"] = {{"rkeConfig", {{"nodes", Json::array()}}}};
  return state;
}

constexpr const char* kEncryption = R"(apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- providers:
  - aescbc:
      keys:
      - name: key2
        secret: hush
      - name: key1
        secret: hush
  - kms: {name: vault, apiVersion: v2}
  - identity: {}
  resources: [secrets]
)";

ClusterState Parsed(const Json& state) {
  auto parsed = ParseClusterStateText(state.dump());
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? *parsed : ClusterState{};
}

TEST(ClusterState, ReadsWhatRkeWrote) {
  const ClusterState state = Parsed(AState());
  EXPECT_EQ(state.kube_ca_pem, Ca().certificate);
  EXPECT_EQ(state.kube_ca_fingerprint, Ca().fingerprint);
  EXPECT_EQ(state.service_account_key_digest, HexSha256("token key"));
  EXPECT_EQ(state.kubernetes_version, "v1.32.2-rancher1-1");
  EXPECT_EQ(state.etcd_image, "rancher/mirrored-coreos-etcd:v3.5.16");
  EXPECT_EQ(state.encryption_config, "");
  EXPECT_TRUE(state.encryption_keys.empty());
}

TEST(ClusterState, ReadsTheNamesOfClusterYmlToo) {
  Json state = AState();
  state["desiredState"]["rkeConfig"] = {{"kubernetes_version", "v1"},
                                        {"system_images", {{"etcd", "e"}}}};
  EXPECT_EQ(Parsed(state).kubernetes_version, "v1");
  EXPECT_EQ(Parsed(state).etcd_image, "e");
}

TEST(ClusterState, NamesTheEncryptionKeys) {
  Json state = AState();
  state["desiredState"]["encryptionConfig"] = kEncryption;
  EXPECT_THAT(Parsed(state).encryption_keys,
              ElementsAre("aescbc:key2", "aescbc:key1", "kms:vault"));
}

TEST(ClusterState, DesiredEncryptionWinsOverCurrent) {
  Json state = AState();
  state["currentState"]["encryptionConfig"] = kEncryption;
  EXPECT_EQ(Parsed(state).encryption_config, kEncryption);
  state["desiredState"]["encryptionConfig"] = "resources: []\n";
  EXPECT_EQ(Parsed(state).encryption_config, "resources: []\n");
}

TEST(ClusterState, OddEncryptionConfigurationsDoNotBreakIt) {
  for (const char* text : {"5", "[]", "{\"resources\": 5}", "{\"resources\": [5, {}]}",
                           "{\"resources\": [{\"providers\": [5, {\"aescbc\": 5}]}]}",
                           "{\"resources\": [{\"providers\": [{\"aescbc\": {\"keys\": 5}}]}]}"}) {
    EXPECT_NO_THROW((void)EncryptionKeyNames(Json::parse(text))) << text;
  }
}

TEST(ClusterState, RefusesWhatWouldMakeANewCa) {
  const Pair other = MakeCa();
  struct Case {
    const char* name;
    const char* pointer;
    Json value;
    const char* message;
  };
  const Case cases[] = {
      {"no desired state", "/desiredState", 5, "lacks desiredState"},
      {"no bundle", "/desiredState/certificatesBundle", Json::object(), "lacks desiredState"},
      {"no certificate", "/desiredState/certificatesBundle/kube-ca/certificatePEM", "", "lacks"},
      {"no key", "/desiredState/certificatesBundle/kube-ca/keyPEM", nullptr, "lacks"},
      {"certificate is text", "/desiredState/certificatesBundle/kube-ca/certificatePEM", "x",
       "certificate that is not PEM"},
      {"key is text", "/desiredState/certificatesBundle/kube-ca/keyPEM", "x", "key that is not"},
      {"foreign key", "/desiredState/certificatesBundle/kube-ca/keyPEM", other.key,
       "does not belong to its certificate"},
      {"encryption is no YAML", "/desiredState/encryptionConfig", "a: [hush", "not YAML"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Json state = AState();
    state[Json::json_pointer(one.pointer)] = one.value;
    const auto parsed = ParseClusterStateText(state.dump());
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().reason, "ClusterStateInvalid");
    EXPECT_THAT(parsed.error().message, HasSubstr(one.message));
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("hush")));
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("PRIVATE")));
  }
}

TEST(ClusterState, RefusesATruncatedFileAtEveryLength) {
  const std::string whole = AState().dump(2);
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    const auto parsed = ParseClusterStateText(whole.substr(0, size));
    ASSERT_FALSE(parsed) << size;
    EXPECT_THAT(parsed.error().message, HasSubstr("may have been cut off"));
  }
}

TEST(StateForRebuild, EmptiesTheCurrentStateAndKeepsTheRest) {
  const Json rebuilt = Json::parse(StateForRebuild(Parsed(AState())));
  EXPECT_EQ(rebuilt["currentState"], Json::object());
  EXPECT_EQ(rebuilt["desiredState"].dump(), AState()["desiredState"].dump());
}

TEST(StateForRebuild, CarriesTheEncryptionConfigurationOver) {
  Json state = AState();
  state["currentState"]["encryptionConfig"] = kEncryption;
  Json rebuilt = Json::parse(StateForRebuild(Parsed(state)));
  EXPECT_EQ(rebuilt["desiredState"]["encryptionConfig"], kEncryption);
  state["desiredState"]["encryptionConfig"] = "resources: []\n";
  rebuilt = Json::parse(StateForRebuild(Parsed(state)));
  EXPECT_EQ(rebuilt["desiredState"]["encryptionConfig"], "resources: []\n");
}

TEST(CertificateFingerprint, IsOfTheFirstCertificateAndEmptyWithoutOne) {
  EXPECT_EQ(CertificateFingerprint("text before\n" + Ca().certificate + MakeCa().certificate),
            Ca().fingerprint);
  EXPECT_EQ(CertificateFingerprint(""), "");
  EXPECT_EQ(CertificateFingerprint(Ca().key), "");
}

}  // namespace
}  // namespace etcdrestore
