#include "operator/adapters/manifests/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "operator/adapters/manifests/manifest_reader.h"

namespace etcdrestore {
namespace {

void Add(std::vector<std::pair<std::string, ValueRef>>& all, const std::string& path,
         const std::optional<ValueRef>& reference) {
  if (reference) all.emplace_back(path, *reference);
}

}  // namespace

Result<Secret> Manifests::Resolve(const ValueRef& reference) const {
  const std::string id = ManifestReader::IdOf(reference.secret ? "Secret" : "ConfigMap",
                                              restore.name_space, reference.name);
  const auto object = values_.find(id);
  const std::string searched = fmt::format("searched: {}", fmt::join(files, ", "));
  if (object == values_.end()) {
    return Terminal(
        "ReferenceNotFound",
        fmt::format("{} is not in the files given ({}); add the file that holds it", id, searched));
  }
  const auto value = object->second.find(reference.key);
  if (value != object->second.end()) return value->second;
  std::vector<std::string> keys;
  for (const auto& [key, unused] : object->second) keys.push_back(key);
  return Terminal("ReferenceNotFound", fmt::format("{} has no key {}, only: {} ({})", id,
                                                   reference.key, fmt::join(keys, ", "), searched));
}

bool Manifests::Has(const ValueRef& reference) const { return Resolve(reference).has_value(); }

std::vector<std::pair<std::string, ValueRef>> ReferencesOf(const EtcdRestoreSpec& spec) {
  std::vector<std::pair<std::string, ValueRef>> all;
  Add(all, "spec.rke.clusterConfig", spec.cluster_config);
  Add(all, "spec.rke.clusterState", spec.cluster_state);
  Add(all, "spec.ssh.privateKey", spec.ssh_private_key);
  Add(all, "spec.ssh.passphrase", spec.ssh_passphrase);
  Add(all, "spec.ssh.knownHosts", spec.known_hosts);
  for (std::size_t i = 0; i < spec.sources.size(); ++i) {
    const std::string path = fmt::format("spec.sources[{}]", i);
    if (const auto* s3 = std::get_if<S3SourceSpec>(&spec.sources[i])) {
      for (const char* key : {"accessKeyID", "secretAccessKey"}) {
        if (!s3->credentials) continue;
        ValueRef reference = *s3->credentials;
        reference.key = key;
        Add(all, path + ".s3.credentials", reference);
      }
      Add(all, path + ".s3.ca", s3->ca);
    } else if (const auto* http = std::get_if<HttpSourceSpec>(&spec.sources[i])) {
      Add(all, path + ".http.ca", http->ca);
    }
  }
  return all;
}

Status Manifests::CheckReferences() const {
  std::vector<std::string> missing;
  for (const auto& [path, reference] : ReferencesOf(restore.spec)) {
    const auto found = Resolve(reference);
    if (!found) missing.push_back(path + ": " + found.error().message);
  }
  if (missing.empty()) return {};
  return Terminal("ReferenceNotFound", fmt::format("{}", fmt::join(missing, "\n")));
}

Result<Manifests> LoadManifests(const std::vector<std::string>& paths, const std::string& name) {
  ManifestReader reader;
  for (const std::string& path : paths) {
    if (auto read = reader.ReadPath(path); !read) return read.error();
  }
  return std::move(reader).Finish(name);
}

}  // namespace etcdrestore
