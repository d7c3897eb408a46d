#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace etcdrestore {

/// One thing that is wrong with an object, in the API server's words.
struct Fault {
  std::string path;  ///< spec.sources[0].s3.bucket
  std::string what;  ///< Required value
  [[nodiscard]] std::string Text() const { return path + ": " + what; }
  bool operator==(const Fault&) const = default;
};

/// The text of crds/etcdrestores.yaml as it was when the program was built.
const std::string& CrdYaml();

/// The same as JSON, and its schema of kind EtcdRestore (openAPIV3Schema). Made once, never
/// changed.
const nlohmann::ordered_json& CrdJson();
const nlohmann::ordered_json& ObjectSchema();

/// Fills defaults in and drops nulls, as the API server does before it validates. Leaves wrongly
/// typed values alone.
void ApplyDefaults(nlohmann::ordered_json& value, const nlohmann::ordered_json& schema);

/// All faults of `value` at once: types, required and unknown fields, enums, patterns, formats,
/// ranges, lengths, double list keys, and the CEL rules by their twins (crds/rules.h). A rule is
/// judged only where nothing below it has a fault of its own. With `old`, the object that is to be
/// replaced, rules about changes are judged too. Order: by place in the schema. Pure.
std::vector<Fault> CheckSchema(const nlohmann::ordered_json& value,
                               const nlohmann::ordered_json& schema, const std::string& path,
                               const nlohmann::ordered_json* old = nullptr);

}  // namespace etcdrestore
