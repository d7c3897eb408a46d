#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/adapters/yaml/yaml_loader.h"

namespace etcdrestore {

/// True for a JSON object or list. YAML flow style that only resembles JSON is not one.
bool LooksLikeJson(std::string_view text);

/// One JSON document with the limits of LoadYaml: depth, nodes, no duplicate keys. Error
/// YamlInvalid.
Result<std::vector<YamlDocument>> LoadJson(std::string_view text, const std::string& file);

}  // namespace etcdrestore
