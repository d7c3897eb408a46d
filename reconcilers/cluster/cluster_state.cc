#include "reconcilers/cluster/cluster_state.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>

#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Certificate ReadCertificate(const std::string& pem) {
  return {PEM_read_bio_X509(Reader(pem).get(), nullptr, nullptr, nullptr), &X509_free};
}

PrivateKey ReadKey(const std::string& pem) {
  // OpenSSL's default would ask for a passphrase on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  return {PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, no_passphrase, nullptr),
          &EVP_PKEY_free};
}

/// The text at a path of mappings; "" when anything on the way is missing or not a mapping.
std::string TextAt(const Json& from, std::initializer_list<const char*> path) {
  const Json* here = &from;
  for (const char* name : path) {
    if (!here->is_object() || !here->contains(name)) return {};
    here = &(*here)[name];
  }
  return here->is_string() ? here->get<std::string>() : std::string();
}

std::string FirstOf(const std::string& one, const std::string& other) {
  return one.empty() ? other : one;
}

Error Invalid(const std::string& what) {
  return Terminal("ClusterStateInvalid",
                  "the state file (cluster.rkestate) " + what +
                      ": give the one that rke wrote last, or leave rke.clusterState out to take "
                      "it from the snapshot or a node");
}

Status CheckCa(const std::string& certificate_pem, const std::string& key_pem) {
  if (certificate_pem.empty() || key_pem.empty()) {
    return Invalid("lacks desiredState.certificatesBundle[\"kube-ca\"] with certificate and key");
  }
  const Certificate certificate = ReadCertificate(certificate_pem);
  const PrivateKey key = ReadKey(key_pem);
  if (!certificate) return Invalid("has a kube-ca certificate that is not PEM");
  if (!key) return Invalid("has a kube-ca key that is not an unencrypted PEM key");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Invalid("has a kube-ca key that does not belong to its certificate");
  }
  return {};
}

}  // namespace

std::string CertificateFingerprint(const std::string& pem) {
  const Certificate certificate = ReadCertificate(pem);
  if (!certificate) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) return {};
  return "SHA256:" + Hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::vector<std::string> EncryptionKeyNames(const Json& configuration) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (!configuration.is_object()) return names;
  for (const Json& rule : configuration.value("resources", Json::array())) {
    if (!rule.is_object()) continue;
    for (const Json& entry : rule.value("providers", Json::array())) {
      if (!entry.is_object()) continue;
      for (const auto& [provider, options] : entry.items()) {
        if (provider == "kms") add("kms:" + TextAt(options, {"name"}));
        if (!options.is_object()) continue;
        for (const Json& key : options.value("keys", Json::array())) {
          add(provider + ":" + TextAt(key, {"name"}));
        }
      }
    }
  }
  return names;
}

Result<ClusterState> ParseClusterState(const std::string& text, const YamlReader& read_yaml) {
  ClusterState state;
  state.raw = Json::parse(text, nullptr, false);
  if (!state.raw.is_object()) return Invalid("is not a JSON object; it may have been cut off");
  const Json desired = state.raw.value("desiredState", Json::object());
  const Json current = state.raw.value("currentState", Json::object());
  state.kube_ca_pem = TextAt(desired, {"certificatesBundle", "kube-ca", "certificatePEM"});
  const std::string ca_key = TextAt(desired, {"certificatesBundle", "kube-ca", "keyPEM"});
  if (auto checked = CheckCa(state.kube_ca_pem, ca_key); !checked) return checked.error();
  state.kube_ca_fingerprint = CertificateFingerprint(state.kube_ca_pem);
  const std::string token_key =
      TextAt(desired, {"certificatesBundle", "kube-service-account-token", "keyPEM"});
  if (!token_key.empty()) state.service_account_key_digest = HexSha256(token_key);
  state.encryption_config =
      FirstOf(TextAt(desired, {"encryptionConfig"}), TextAt(current, {"encryptionConfig"}));
  if (!state.encryption_config.empty()) {
    auto configuration = read_yaml(state.encryption_config, "encryptionConfig of the state file");
    if (!configuration) return Invalid("has an encryptionConfig that is not YAML");
    state.encryption_keys = EncryptionKeyNames(*configuration);
  }
  // rke writes its Go names for JSON; older and hand-made files have those of cluster.yml.
  state.kubernetes_version = FirstOf(TextAt(desired, {"rkeConfig", "kubernetesVersion"}),
                                     TextAt(desired, {"rkeConfig", "kubernetes_version"}));
  state.etcd_image = FirstOf(TextAt(desired, {"rkeConfig", "systemImages", "etcd"}),
                             TextAt(desired, {"rkeConfig", "system_images", "etcd"}));
  return state;
}

std::string StateForRebuild(const ClusterState& state) {
  Json copy = state.raw;
  if (TextAt(copy, {"desiredState", "encryptionConfig"}).empty() &&
      !state.encryption_config.empty()) {
    copy["desiredState"]["encryptionConfig"] = state.encryption_config;
  }
  copy["currentState"] = Json::object();
  return copy.dump(2) + "\n";
}

}  // namespace etcdrestore
