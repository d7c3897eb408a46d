#include "tests/support/object_cases.h"

#include <gtest/gtest.h>

#include <string>

#include "operator/base/files.h"

namespace etcdrestore::testing {
namespace {

using Json = nlohmann::ordered_json;

/// RFC 7396. nlohmann's own merge_patch would do, but it leaves ordered_json's null members behind.
void Merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      Merge(target[key], value);
    }
  }
}

}  // namespace

std::vector<YamlDocument> LoadObjectCases() {
  const std::string path =
      std::string(ETCDRESTORE_SOURCE_DIR) + "/tests/unit/crds/cases/objects.yaml";
  const auto text = ReadFile(path);
  EXPECT_TRUE(text) << path;
  const auto documents = LoadYaml(text.value_or(""), path);
  EXPECT_TRUE(documents) << documents.error().message;
  return documents ? *documents : std::vector<YamlDocument>{};
}

Json Patched(const Json& base, const Json& one, const char* field) {
  Json object = base;
  Merge(object, one.value(field, Json::object()));
  return object;
}

}  // namespace etcdrestore::testing
