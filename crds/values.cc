#include "crds/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace etcdrestore {
namespace {

void Add(std::vector<std::pair<std::string, ValueRef>>& all, const std::string& path,
         const std::optional<ValueRef>& reference) {
  if (reference) all.emplace_back(path, *reference);
}

}  // namespace

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

Status CheckReferences(const Values& values, const EtcdRestoreSpec& spec) {
  std::vector<std::string> missing;
  for (const auto& [path, reference] : ReferencesOf(spec)) {
    const auto found = values.Resolve(reference);
    if (found) continue;
    if (found.error().kind == ErrorKind::kTransient) return found.error().In(path);
    missing.push_back(path + ": " + found.error().message);
  }
  if (missing.empty()) return {};
  return Terminal("ReferenceNotFound", fmt::format("{}", fmt::join(missing, "\n")));
}

}  // namespace etcdrestore
