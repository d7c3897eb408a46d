#include "operator/snapshot/kubernetes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "operator/snapshot/wire.h"

namespace etcdrestore {
namespace {

constexpr std::string_view kDefaultPrefix = "/registry/";
constexpr std::string_view kEncrypted = "k8s:enc:";
constexpr std::string_view kProtobuf("k8s\0", 4);
constexpr std::string_view kKubeSystem = "namespaces/kube-system";
constexpr std::string_view kRootCa = "configmaps/kube-system/kube-root-ca.crt";
// Bounds for what a crafted snapshot can put into status and reports.
constexpr std::size_t kMaxResources = 4096;
constexpr std::size_t kMaxEncryptionKeys = 64;
constexpr std::size_t kMaxNameLength = 253;
constexpr std::size_t kMaxJson = 4U << 20U;

using Live = std::unordered_map<std::string_view, std::string_view>;

bool IsPlainName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameLength &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

/// kube-apiserver's --etcd-prefix may be another one; it is looked for only when nothing lies under
/// the usual one, or a custom resource of that name could be taken for it.
std::string FindPrefix(const Live& live) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : live) {
    if (key.starts_with(kDefaultPrefix)) return std::string(kDefaultPrefix);
    if (!key.ends_with(kKubeSystem)) continue;
    const auto prefix = key.substr(0, key.size() - kKubeSystem.size());
    if (!prefix.ends_with('/') || !IsPlainName(prefix)) continue;
    if (!found || prefix.size() < found->size()) found = prefix;
  }
  return std::string(found.value_or(kDefaultPrefix));
}

std::optional<std::string_view> FromProtobuf(std::string_view stored, std::string_view entry) {
  const auto raw = WireBytes(stored.substr(kProtobuf.size()), 2);  // runtime.Unknown.raw
  if (!raw) return std::nullopt;
  WireReader config_map(*raw);
  while (const auto field = config_map.Next()) {
    if (field->tag != 2 || !field->is_bytes) continue;  // ConfigMap.data, a map<string, string>
    if (WireBytes(field->bytes, 1) == entry) return WireBytes(field->bytes, 2);
  }
  return std::nullopt;
}

std::optional<std::string> FromJson(std::string_view stored, std::string_view entry) {
  if (stored.size() > kMaxJson) return std::nullopt;
  const auto json = nlohmann::json::parse(stored, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto data = json.find("data");
  if (data == json.end() || !data->is_object()) return std::nullopt;
  const auto found = data->find(std::string(entry));
  if (found == data->end() || !found->is_string()) return std::nullopt;
  return found->get_ref<const std::string&>();
}

}  // namespace

std::optional<std::string_view> ResourceOf(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return std::nullopt;
  const auto rest = key.substr(prefix.size());
  const auto first_end = rest.find('/');
  const auto first = rest.substr(0, first_end);
  // The store keeps two kinds of object under "services".
  const bool two_parts = first == "services" || first.find('.') != std::string_view::npos;
  if (!two_parts || first_end == std::string_view::npos)
    return IsPlainName(first) ? std::optional(first) : std::nullopt;
  const auto both = rest.substr(0, rest.find('/', first_end + 1));
  return IsPlainName(both) ? std::optional(both) : std::nullopt;
}

std::optional<std::string> EncryptionKeyOf(std::string_view value) {
  if (!value.starts_with(kEncrypted)) return std::nullopt;
  std::size_t end = kEncrypted.size() - 1;
  for (int part = 0; part < 3; ++part) {  // provider, version, key name
    const auto next = value.find(':', end + 1);
    if (next == std::string_view::npos || !IsPlainName(value.substr(end + 1, next - end - 1)))
      return std::string(kEncrypted) + "unreadable";
    end = next;
  }
  return std::string(value.substr(0, end));
}

std::optional<std::string> ConfigMapData(std::string_view stored, std::string_view entry) {
  if (!stored.starts_with(kProtobuf)) return FromJson(stored, entry);
  const auto found = FromProtobuf(stored, entry);
  return found ? std::optional(std::string(*found)) : std::nullopt;
}

void DescribeKubernetes(const Live& live, SnapshotFacts& facts) {
  const std::string prefix = FindPrefix(live);
  std::map<std::string_view, std::uint64_t> counts;
  std::set<std::string> keys;
  std::uint64_t others = 0;
  for (const auto& [key, value] : live) {
    if (auto name = EncryptionKeyOf(value); name && keys.size() < kMaxEncryptionKeys)
      keys.insert(std::move(*name));
    const auto resource = ResourceOf(key, prefix);
    if (!resource) continue;
    const bool room = counts.size() < kMaxResources || counts.contains(*resource);
    ++(room ? counts[*resource] : others);
  }
  facts.kube_namespaces_prefix = prefix;
  facts.live_by_resource = {counts.begin(), counts.end()};
  if (others > 0) facts.live_by_resource["(others)"] = others;
  facts.encryption_keys = {keys.begin(), keys.end()};
  facts.has_kube_system = live.contains(prefix + std::string(kKubeSystem));
  const auto stored = live.find(prefix + std::string(kRootCa));
  if (stored == live.end()) return;
  const auto pem = ConfigMapData(stored->second, "ca.crt");
  if (pem && pem->find("-----BEGIN CERTIFICATE-----") != std::string::npos)
    facts.kube_root_ca = *pem;
}

}  // namespace etcdrestore
