#include "crds/metadata_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "crds/scalar_checks.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

struct Field {
  std::string_view name;
  std::string_view type;
};
/// Fields of metav1.ObjectMeta, among them those that only the API server writes: an object taken
/// out of a cluster with kubectl get -o yaml has them.
constexpr auto kFields = std::to_array<Field>({{"name", "string"},
                                               {"namespace", "string"},
                                               {"labels", "object"},
                                               {"annotations", "object"},
                                               {"generateName", "string"},
                                               {"uid", "string"},
                                               {"resourceVersion", "string"},
                                               {"generation", "integer"},
                                               {"creationTimestamp", "string"},
                                               {"deletionTimestamp", "string"},
                                               {"deletionGracePeriodSeconds", "integer"},
                                               {"finalizers", "array"},
                                               {"ownerReferences", "array"},
                                               {"managedFields", "array"},
                                               {"selfLink", "string"}});

void CheckFixed(const Json& object, const char* name, const std::string& wanted,
                std::vector<Fault>& faults) {
  if (!object.contains(name)) {
    faults.push_back({name, "Required value"});
  } else if (object[name] != wanted) {
    const Json& seen = object[name];
    const std::string shown = seen.is_string() ? Quoted(seen.get<std::string>()) : seen.dump();
    faults.push_back(
        {name, fmt::format("Unsupported value: {}: supported values: \"{}\"", shown, wanted)});
  }
}

void CheckName(const Json& metadata, const char* field, std::size_t most, const char* pattern,
               std::vector<Fault>& faults) {
  if (!metadata.contains(field) || !metadata[field].is_string()) return;
  const auto& name = metadata[field].get_ref<const std::string&>();
  if (name.size() <= most && MatchesPattern(name, pattern)) return;
  faults.push_back({std::string("metadata.") + field,
                    fmt::format("Invalid value: {}: must be lower-case letters, digits and dashes, "
                                "begin and end with a letter or digit, and have at most {} "
                                "characters",
                                Quoted(name), most)});
}

void CheckTexts(const Json& metadata, const char* field, std::vector<Fault>& faults) {
  if (!metadata.contains(field) || !metadata[field].is_object()) return;
  for (const auto& [key, value] : metadata[field].items()) {
    if (value.is_string()) continue;
    faults.push_back({fmt::format("metadata.{}.{}", field, key),
                      fmt::format("Invalid value: \"{0}\": must be of type string: \"{0}\"",
                                  JsonTypeName(value))});
  }
}

}  // namespace

std::vector<Fault> CheckMetadata(const Json& object) {
  std::vector<Fault> faults;
  CheckFixed(object, "apiVersion", "etcdrestore.io/v1alpha1", faults);
  CheckFixed(object, "kind", "EtcdRestore", faults);
  const Json metadata = object.value("metadata", Json::object());
  if (!metadata.is_object()) {
    faults.push_back({"metadata", "Invalid value: must be of type object"});
    return faults;
  }
  if (!metadata.contains("name")) faults.push_back({"metadata.name", "Required value"});
  for (const auto& [name, value] : metadata.items()) {
    const auto field = std::find_if(kFields.begin(), kFields.end(),
                                    [&name = name](const Field& one) { return one.name == name; });
    if (field == kFields.end()) {
      faults.push_back({"metadata." + name, "unknown field"});
    } else if (!value.is_null() && JsonTypeName(value) != field->type) {
      faults.push_back(
          {"metadata." + name, fmt::format("Invalid value: \"{0}\": must be of type {1}: \"{0}\"",
                                           JsonTypeName(value), field->type)});
    }
  }
  CheckName(metadata, "name", 253,
            "^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", faults);
  CheckName(metadata, "namespace", 63, "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", faults);
  CheckTexts(metadata, "labels", faults);
  CheckTexts(metadata, "annotations", faults);
  return faults;
}

}  // namespace etcdrestore
