#include "operator/adapters/manifests/manifest_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/base64.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = (4U << 20U) + 1;

Error Unreadable(const std::string& path, const std::string& why) {
  return Terminal("ManifestUnreadable", fmt::format("read {}: {}", path, why));
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Unreadable(path, std::strerror(errno));
  std::string text(kMaxFileBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Unreadable(path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string Text(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : std::string();
}

/// The fields of a Secret or ConfigMap that hold values, weakest first: stringData wins over data.
struct ValueField {
  const char* name;
  bool base64;
};
std::vector<ValueField> ValueFields(bool secret) {
  if (secret) return {{"data", true}, {"stringData", false}};
  return {{"data", false}, {"binaryData", true}};
}

}  // namespace

std::string ManifestReader::IdOf(const std::string& kind, const std::string& name_space,
                                 const std::string& name) {
  return fmt::format("{} {}/{}", kind, name_space, name);
}

void ManifestReader::Fault(const std::string& where, const std::string& what) {
  faults_.push_back(where + ": " + what);
}

Status ManifestReader::ReadPath(const std::string& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) return Unreadable(path, "no such file or folder");
  return fs::is_directory(status) ? ReadFolder(path) : ReadFile(path);
}

Status ManifestReader::ReadFolder(const std::string& path) {
  std::error_code failure;
  std::vector<std::string> found;
  for (fs::directory_iterator entry(path, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string suffix = entry->path().extension().string();
    if (suffix == ".yaml" || suffix == ".yml" || suffix == ".json") {
      found.push_back(entry->path().string());
    }
  }
  if (failure) return Unreadable(path, failure.message());
  if (found.empty()) return Unreadable(path, "no *.yaml, *.yml or *.json file in this folder");
  std::sort(found.begin(), found.end());
  for (const std::string& file : found) {
    if (auto read = ReadFile(file); !read) return read;
  }
  return {};
}

Status ManifestReader::ReadFile(const std::string& path) {
  auto text = ReadText(path);
  if (!text) return text.error();
  manifests_.files.push_back(path);
  const auto documents = LoadYaml(*text, path);
  if (!documents) {
    faults_.push_back(documents.error().message);
    return {};
  }
  for (const YamlDocument& document : *documents) {
    Take(document.value, fmt::format("{}:{}", path, document.line));
  }
  return {};
}

void ManifestReader::Take(const Json& object, const std::string& where) {
  const std::string kind = Text(object, "kind");
  if (kind.empty()) return Fault(where, "not a Kubernetes object: kind is missing");
  if (kind == "List") {
    for (const Json& item : object.value("items", Json::array())) Take(item, where);
    return;
  }
  const std::string version = Text(object, "apiVersion");
  const Json metadata = object.value("metadata", Json::object());
  const std::string name = Text(metadata, "name");
  const std::string name_space = Text(metadata, "namespace");
  const std::string id = IdOf(kind, name_space.empty() ? "default" : name_space, name);
  const bool restore = kind == "EtcdRestore" && version.rfind("etcdrestore.io/", 0) == 0;
  const bool values = version == "v1" && (kind == "Secret" || kind == "ConfigMap");
  if (!restore && !values) {
    manifests_.notes.push_back(fmt::format("{}: {} {} is ignored", where, kind, name));
    return;
  }
  if (name.empty() && !restore) return Fault(where, kind + " without metadata.name");
  const auto [first, fresh] = seen_.emplace(id, where);
  if (!fresh) {
    return Fault(where, fmt::format("{} is already defined at {}: keep one", id, first->second));
  }
  if (restore) {
    restores_.push_back(Restore{id, where, object});
  } else {
    TakeValues(object, id, where, kind == "Secret");
  }
}

void ManifestReader::TakeValues(const Json& object, const std::string& id, const std::string& where,
                                bool secret) {
  auto& values = manifests_.values_[id];
  for (const ValueField& field : ValueFields(secret)) {
    const auto found = object.find(field.name);
    if (found == object.end() || found->is_null()) continue;
    if (!found->is_object()) {
      Fault(where, fmt::format("{}: {} is not a mapping", id, field.name));
      continue;
    }
    for (const auto& [key, value] : found->items()) {
      // The value itself is never named: it may be the secret.
      std::optional<std::string> text;
      if (value.is_string()) {
        text = field.base64 ? DecodeBase64(value.get_ref<const std::string&>())
                            : value.get<std::string>();
      }
      if (!text) {
        Fault(where, fmt::format("{}: {}.{} is not {}", id, field.name, key,
                                 field.base64 ? "base64 (plain text goes into stringData)"
                                              : "a string: quote it"));
        continue;
      }
      values.insert_or_assign(key, Secret(std::move(*text)));
    }
  }
}

Result<const ManifestReader::Restore*> ManifestReader::Choose(const std::string& name) const {
  std::vector<std::string> known;
  std::vector<const Restore*> matching;
  for (const Restore& restore : restores_) {
    const std::string qualified = restore.id.substr(restore.id.find(' ') + 1);
    known.push_back(fmt::format("{} ({})", qualified, restore.where));
    const std::string bare = qualified.substr(qualified.find('/') + 1);
    if (name.empty() || name == qualified || name == bare) matching.push_back(&restore);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) {
    return Terminal(
        "RestoreNotFound",
        fmt::format("no EtcdRestore{} in the files given (searched: {}){}",
                    name.empty() ? "" : " called " + name, fmt::join(manifests_.files, ", "),
                    known.empty() ? std::string()
                                  : fmt::format("; there are: {}", fmt::join(known, ", "))));
  }
  return Terminal("RestoreAmbiguous",
                  fmt::format("{} EtcdRestore objects in the files given: {}; name the one to run",
                              matching.size(), fmt::join(known, ", ")));
}

Result<Manifests> ManifestReader::Finish(const std::string& name) && {
  if (!faults_.empty()) {
    return Terminal("ManifestInvalid", fmt::format("{}", fmt::join(faults_, "\n")));
  }
  const auto chosen = Choose(name);
  if (!chosen) return chosen.error();
  auto restore = ParseEtcdRestore((*chosen)->object);
  if (!restore) return restore.error().In((*chosen)->where);
  manifests_.restore = std::move(*restore);
  return std::move(manifests_);
}

}  // namespace etcdrestore
