#include "crds/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "crds/crd_text.h"
#include "crds/rules.h"
#include "crds/scalar_checks.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

bool TypeMatches(const Json& value, const std::string& type) {
  const std::string seen = JsonTypeName(value);
  return seen == type || (type == "number" && seen == "integer");
}

std::string Child(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

const Json* Member(const Json* object, const std::string& name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

void CheckValue(const Json& value, const Json& schema, const std::string& path, const Json* old,
                std::vector<Fault>& faults);

void CheckObjectFields(const Json& value, const Json& schema, const std::string& path,
                       const Json* old, std::vector<Fault>& faults) {
  // An object without properties (metadata) is not ours to judge.
  if (!schema.contains("properties")) return;
  const Json& properties = schema["properties"];
  for (const auto& [name, item] : value.items()) {
    if (!properties.contains(name)) faults.push_back({Child(path, name), "unknown field"});
  }
  if (schema.contains("required")) {
    for (const Json& name : schema["required"]) {
      if (value.contains(name.get_ref<const std::string&>())) continue;
      faults.push_back({Child(path, name.get<std::string>()), "Required value"});
    }
  }
  for (const auto& [name, field] : properties.items()) {
    const Json* item = Member(&value, name);
    if (item != nullptr) CheckValue(*item, field, Child(path, name), Member(old, name), faults);
  }
}

/// The first fields of x-kubernetes-list-map-keys, or the whole item of a set.
Json KeyOf(const Json& item, const Json& schema) {
  if (schema.value("x-kubernetes-list-type", "") == "set") return item;
  Json key = Json::object();
  for (const Json& name : schema["x-kubernetes-list-map-keys"]) {
    const Json* part = Member(&item, name.get<std::string>());
    if (part != nullptr) key[name.get<std::string>()] = *part;
  }
  return key;
}

void CheckListKeys(const Json& value, const Json& schema, const std::string& path,
                   std::vector<Fault>& faults) {
  if (schema.value("x-kubernetes-list-type", "atomic") == "atomic") return;
  std::vector<Json> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    Json key = KeyOf(value[i], schema);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      faults.push_back({fmt::format("{}[{}]", path, i), "Duplicate value: " + key.dump()});
    }
    seen.push_back(std::move(key));
  }
}

void CheckList(const Json& value, const Json& schema, const std::string& path,
               std::vector<Fault>& faults) {
  const std::size_t most = schema.value("maxItems", value.size());
  if (value.size() > most) {
    faults.push_back(
        {path, fmt::format("Too many: {}: must have at most {} items", value.size(), most)});
    return;
  }
  if (const std::size_t least = schema.value("minItems", std::size_t{0}); value.size() < least) {
    faults.push_back({path, fmt::format("Invalid value: {}: {} in body should have at least {} "
                                        "items",
                                        value.size(), path, least)});
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    CheckValue(value[i], schema["items"], fmt::format("{}[{}]", path, i), nullptr, faults);
  }
  CheckListKeys(value, schema, path, faults);
}

void CheckRules(const Json& value, const Json& schema, const std::string& path, const Json* old,
                std::vector<Fault>& faults) {
  if (!schema.contains("x-kubernetes-validations")) return;
  for (const Json& written : schema["x-kubernetes-validations"]) {
    const Rule* rule = FindRule(written["message"].get_ref<const std::string&>());
    // A test holds the file and the twins together; a rule without a twin cannot ship.
    if (rule == nullptr || (rule->about_change && old == nullptr)) continue;
    if (!rule->holds(value, old)) {
      faults.push_back(
          {path, fmt::format("Invalid value: \"{}\": {}", JsonTypeName(value), rule->message)});
    }
  }
}

void CheckValue(const Json& value, const Json& schema, const std::string& path, const Json* old,
                std::vector<Fault>& faults) {
  const auto& type = schema["type"].get_ref<const std::string&>();
  if (!TypeMatches(value, type)) {
    const std::string seen = JsonTypeName(value);
    faults.push_back({path, fmt::format("Invalid value: \"{0}\": {1} in body must be of type {2}: "
                                        "\"{0}\"",
                                        seen, path, type)});
    return;
  }
  const std::size_t before = faults.size();
  if (type == "object") {
    CheckObjectFields(value, schema, path, old, faults);
  } else if (type == "array") {
    CheckList(value, schema, path, faults);
  } else {
    for (std::string& what : CheckScalar(value, schema, path)) {
      faults.push_back({path, std::move(what)});
    }
  }
  if (faults.size() == before) CheckRules(value, schema, path, old, faults);
}

}  // namespace

const std::string& CrdYaml() {
  static const std::string text(kCrdYamlText);
  return text;
}

const Json& CrdJson() {
  static const Json crd = Json::parse(kCrdJsonText);
  return crd;
}

const Json& ObjectSchema() { return CrdJson()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]; }

void ApplyDefaults(Json& value, const Json& schema) {
  if (value.is_array() && schema.contains("items")) {
    for (Json& item : value) ApplyDefaults(item, schema["items"]);
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  for (const auto& [name, field] : schema["properties"].items()) {
    const auto found = value.find(name);
    if (found != value.end() && found->is_null()) value.erase(found);
    if (!value.contains(name) && field.contains("default")) value[name] = field["default"];
    if (const auto present = value.find(name); present != value.end()) {
      ApplyDefaults(*present, field);
    }
  }
}

std::vector<Fault> CheckSchema(const Json& value, const Json& schema, const std::string& path,
                               const Json* old) {
  std::vector<Fault> faults;
  CheckValue(value, schema, path, old, faults);
  return faults;
}

}  // namespace etcdrestore
