#include "operator/adapters/manifests/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "operator/adapters/manifests/manifest_reader.h"

namespace etcdrestore {
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

Status Manifests::CheckReferences() const {
  return etcdrestore::CheckReferences(*this, restore.spec);
}

Result<Manifests> LoadManifests(const std::vector<std::string>& paths, const std::string& name) {
  ManifestReader reader;
  for (const std::string& path : paths) {
    if (auto read = reader.ReadPath(path); !read) return read.error();
  }
  return std::move(reader).Finish(name);
}

}  // namespace etcdrestore
