#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace etcdrestore {

/// rke's cluster.rkestate: {desiredState:{rkeConfig,certificatesBundle,encryptionConfig},
/// currentState:{…}}. Holds private keys: never logged, never printed.
struct ClusterState {
  nlohmann::ordered_json raw;
  std::string kube_ca_pem;          ///< desiredState.certificatesBundle["kube-ca"].certificatePEM
  std::string kube_ca_fingerprint;  ///< "SHA256:<hex>" of the DER
  std::string service_account_key_digest;    ///< sha256 hex of the key text; "" when absent
  std::string encryption_config;             ///< desired's, else current's; "" when none
  std::vector<std::string> encryption_keys;  ///< provider:key names in it, "aescbc:key1"
  std::string
      kubernetes_version;  ///< desiredState.rkeConfig.kubernetes_version (YAML or JSON field names)
  std::string etcd_image;  ///< desiredState.rkeConfig.system_images.etcd
};

/// Turns YAML text into JSON; `what` names the text in messages. Passed in, since the encryption
/// configuration inside the state is YAML and this folder reads none.
using YamlReader =
    std::function<Result<nlohmann::ordered_json>(const std::string& text, const std::string& what)>;

/// Error ClusterStateInvalid (terminal): not JSON, no kube-ca certificate and key or the two do not
/// belong together, an encryption configuration that cannot be read. Messages hold nothing of the
/// text.
Result<ClusterState> ParseClusterState(const std::string& text, const YamlReader& read_yaml);

/// "provider:key" of every key in an EncryptionConfiguration, in its order, each once; "kms:<name>"
/// for a key service.
std::vector<std::string> EncryptionKeyNames(const nlohmann::ordered_json& configuration);

/// The working copy for `rke up` after a native restore: encryptionConfig of currentState is
/// carried to desiredState when that has none, then currentState becomes {} (facts: lab.md 5,
/// rke.md 7.5).
std::string StateForRebuild(const ClusterState& state);

/// SHA-256 fingerprint ("SHA256:<hex>") of the first certificate of a PEM text; "" when there is
/// none.
std::string CertificateFingerprint(const std::string& pem);

}  // namespace etcdrestore
