#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace etcdrestore {

/// One YAML document in block style, keys in their order, ending in a newline; the same bytes for
/// the same value. Strings are quoted whenever any reader of YAML 1.1 or 1.2 could take them for
/// something else; strings of several lines become literal blocks where that loses nothing.
/// LoadYaml reads the value back unchanged. Strings must be UTF-8.
std::string EmitYaml(const nlohmann::ordered_json& value);

}  // namespace etcdrestore
