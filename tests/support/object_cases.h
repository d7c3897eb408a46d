#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "operator/adapters/yaml/yaml_loader.h"

namespace etcdrestore::testing {

/// The table of tests/unit/crds/cases/objects.yaml: the base object, then one case a document.
/// Empty, after a failed expectation, when it cannot be read.
std::vector<YamlDocument> LoadObjectCases();

/// The base with the patch that the case has in `field` ("patch" or "from").
nlohmann::ordered_json Patched(const nlohmann::ordered_json& base,
                               const nlohmann::ordered_json& one, const char* field);

}  // namespace etcdrestore::testing
