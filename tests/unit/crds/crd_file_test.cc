#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>

#include "crds/rules.h"
#include "crds/scalar_checks.h"
#include "crds/schema.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using Visit = std::function<void(const std::string& path, const Json& schema)>;

void Walk(const Json& schema, const std::string& path, const Visit& visit) {
  visit(path, schema);
  if (schema.contains("properties")) {
    for (const auto& [name, field] : schema["properties"].items()) {
      Walk(field, path.empty() ? name : path + "." + name, visit);
    }
  }
  if (schema.contains("items")) Walk(schema["items"], path + "[]", visit);
}

TEST(CrdFile, EveryFieldHasADescription) {
  Walk(ObjectSchema(), "", [](const std::string& path, const Json& schema) {
    // The API server forbids it for metadata.
    if (path == "metadata") return;
    EXPECT_GE(schema.value("description", "").size(), 8U) << path;
  });
}

TEST(CrdFile, EveryDefaultIsToldInTheDescription) {
  Walk(ObjectSchema(), "", [](const std::string& path, const Json& schema) {
    if (!schema.contains("default") || schema["default"].is_object()) return;
    const std::string shown = schema["default"].is_string() ? schema["default"].get<std::string>()
                                                            : schema["default"].dump();
    const std::string description = schema["description"].get<std::string>();
    EXPECT_NE(description.find("Default: " + (shown.empty() ? "empty" : shown)), std::string::npos)
        << path << ": " << description;
  });
}

TEST(CrdFile, EverythingHasALimit) {
  Walk(ObjectSchema(), "", [](const std::string& path, const Json& schema) {
    const std::string type = schema["type"].get<std::string>();
    if (type == "string") {
      EXPECT_TRUE(schema.contains("maxLength") || schema.contains("enum")) << path;
    } else if (type == "array") {
      EXPECT_TRUE(schema.contains("maxItems")) << path;
      EXPECT_TRUE(schema.contains("x-kubernetes-list-type")) << path;
    } else if (type == "integer") {
      EXPECT_TRUE(schema.contains("minimum")) << path;
    }
  });
}

TEST(CrdFile, PatternsAreAnchoredAndReadByStdRegex) {
  Walk(ObjectSchema(), "", [](const std::string& path, const Json& schema) {
    if (!schema.contains("pattern")) return;
    const std::string pattern = schema["pattern"].get<std::string>();
    EXPECT_EQ(pattern.front(), '^') << path;
    EXPECT_EQ(pattern.back(), '$') << path;
    EXPECT_NO_THROW((void)MatchesPattern("", pattern)) << path;
    // RE2 knows neither look-around nor back references.
    EXPECT_EQ(pattern.find("(?"), std::string::npos) << path;
  });
}

TEST(CrdFile, DefaultsPassTheirOwnSchema) {
  Walk(ObjectSchema(), "", [](const std::string& path, const Json& schema) {
    if (!schema.contains("default")) return;
    Json value = schema["default"];
    ApplyDefaults(value, schema);
    for (const Fault& fault : CheckSchema(value, schema, path)) ADD_FAILURE() << fault.Text();
  });
}

TEST(CrdFile, OnlyKeywordsThatTheCheckerKnowsAreUsed) {
  const std::set<std::string> known = {"type",
                                       "description",
                                       "properties",
                                       "required",
                                       "items",
                                       "enum",
                                       "pattern",
                                       "format",
                                       "default",
                                       "minLength",
                                       "maxLength",
                                       "minItems",
                                       "maxItems",
                                       "minimum",
                                       "maximum",
                                       "x-kubernetes-validations",
                                       "x-kubernetes-list-type",
                                       "x-kubernetes-list-map-keys"};
  Walk(ObjectSchema(), "", [&](const std::string& path, const Json& schema) {
    for (const auto& [keyword, unused] : schema.items()) {
      EXPECT_TRUE(known.contains(keyword)) << path << ": " << keyword;
    }
  });
}

std::map<std::string, std::string> WrittenRules() {
  std::map<std::string, std::string> rules;
  Walk(ObjectSchema(), "", [&](const std::string& path, const Json& schema) {
    for (const Json& rule : schema.value("x-kubernetes-validations", Json::array())) {
      const std::string message = rule["message"].get<std::string>();
      const std::string text = rule["rule"].get<std::string>();
      const auto [known, fresh] = rules.emplace(message, text);
      EXPECT_TRUE(fresh || known->second == text) << path << ": two rules say " << message;
    }
  });
  return rules;
}

TEST(CrdRules, EachHasATwinThatWasWrittenForItsText) {
  for (const auto& [message, text] : WrittenRules()) {
    const Rule* twin = FindRule(message);
    ASSERT_NE(twin, nullptr) << "crds/rules.cc lacks a twin for: " << message;
    EXPECT_EQ(twin->rule_digest, HexSha256(text).substr(0, 16))
        << "the rule was changed; look at its twin, then note the digest: " << message;
    EXPECT_EQ(twin->about_change, text.find("oldSelf") != std::string::npos) << message;
  }
}

TEST(CrdRules, NoTwinIsLeftWithoutARule) {
  const auto written = WrittenRules();
  for (const Rule& twin : Rules()) {
    EXPECT_TRUE(written.contains(std::string(twin.message))) << twin.message;
  }
  EXPECT_EQ(written.size(), Rules().size());
}

TEST(CrdRules, TheChangeRuleNamesEveryFieldOfSpec) {
  const std::set<std::string> free = {"approvedPlan", "paused", "cancel", "notAfter"};
  const Json& spec = ObjectSchema()["properties"]["spec"];
  const std::string rule = spec["x-kubernetes-validations"][0]["rule"].get<std::string>();
  for (const auto& [name, unused] : spec["properties"].items()) {
    const bool named = rule.find("self." + name) != std::string::npos;
    EXPECT_NE(named, free.contains(name)) << name;
  }
  for (const auto& [name, unused] : spec["properties"]["clean"]["properties"].items()) {
    const bool named = rule.find("self.clean." + name) != std::string::npos;
    EXPECT_NE(named, name == "keepOldDataFor") << name;
  }
}

TEST(CrdFile, IsEmbeddedAsItStands) {
  const auto documents = LoadYaml(CrdYaml(), "embedded");
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->front().value, CrdJson());
  EXPECT_EQ(CrdJson()["metadata"]["name"], "etcdrestores.etcdrestore.io");
}

TEST(CrdFile, HasTheColumnsAndNamesThatPeopleWereTold) {
  const Json& spec = CrdJson()["spec"];
  EXPECT_EQ(spec["scope"], "Namespaced");
  EXPECT_EQ(spec["names"]["shortNames"], Json::array({"etcdrs"}));
  EXPECT_EQ(spec["names"]["categories"], Json::array({"etcd-dr"}));
  const Json& version = spec["versions"][0];
  EXPECT_TRUE(version["subresources"].contains("status"));
  std::string shown;
  std::string wide;
  for (const Json& column : version["additionalPrinterColumns"]) {
    std::string& list = column.value("priority", 0) == 0 ? shown : wide;
    list += column["name"].get<std::string>() + " ";
  }
  EXPECT_EQ(shown, "Cluster Phase Progress Succeeded Age ");
  EXPECT_EQ(wide, "Reason Snapshot Snapshot-Time Started Completed Run Message ");
}

}  // namespace
}  // namespace etcdrestore
