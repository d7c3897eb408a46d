#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "crds/schema.h"

namespace etcdrestore {

/// What the API server checks of apiVersion, kind and metadata of every object, as far as a file
/// for kubectl can get it wrong: names, unknown fields, types of labels and annotations. Pure.
std::vector<Fault> CheckMetadata(const nlohmann::ordered_json& object);

}  // namespace etcdrestore
