#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "operator/snapshot/snapshot.h"

namespace etcdrestore {

/// What a key under `prefix` ("/registry/") is an object of, as the path has it: "configmaps",
/// "services/specs", "cert-manager.io/certificates" (a first part with a dot is an API group).
/// nullopt for keys elsewhere. A view of `key`.
std::optional<std::string_view> ResourceOf(std::string_view key, std::string_view prefix);

/// "k8s:enc:<provider>:v1:<key name>" of a value encrypted at rest, "k8s:enc:unreadable" when it
/// starts so and goes on otherwise, nullopt for plain values. `<provider>` aescbc, aesgcm,
/// secretbox, kms (v1 or v2; the key name is then the plug-in's).
std::optional<std::string> EncryptionKeyOf(std::string_view value);

/// `data[entry]` of a stored ConfigMap, in Kubernetes' protobuf ("k8s\0" and runtime.Unknown) or
/// JSON form; nullopt when absent or unreadable.
std::optional<std::string> ConfigMapData(std::string_view stored, std::string_view entry);

/// Fills what Kubernetes means by the live keys: live_by_resource, kube_root_ca, has_kube_system,
/// encryption_keys, kube_namespaces_prefix.
void DescribeKubernetes(const std::unordered_map<std::string_view, std::string_view>& live,
                        SnapshotFacts& facts);

}  // namespace etcdrestore
