// The table of tests/unit/crds/cases through the real API server: what it refuses, the command line
// refuses, with the same field path and, for rules, the same message.
#include "tests/support/object_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "crds/schema.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using Json = nlohmann::ordered_json;

/// The object of a case, under a name of its own where the case is not about the name.
Json ObjectOf(const Json& base, const Json& one, const char* field, std::size_t number) {
  Json object = Patched(base, one, field);
  if (object.contains("metadata") && object["metadata"].is_object() &&
      object["metadata"].value("name", Json()) == base["metadata"]["name"])
    object["metadata"]["name"] = "case-" + std::to_string(number);
  return object;
}

std::string Answer(const Json& object, KubeVerb verb) {
  KubeObject body = object;
  const Json metadata = object.value("metadata", Json::object());
  const KubeName name{
      "recovery", metadata.is_object() && metadata.contains("name") && metadata["name"].is_string()
                      ? metadata["name"].get<std::string>()
                      : ""};
  if (verb == KubeVerb::kReplace) {
    const auto now = Server().api().Get({}, kEtcdRestores, name);
    if (!now) return now.error().message;
    body["metadata"]["resourceVersion"] = (*now)["metadata"]["resourceVersion"];
  }
  const auto wrote = Server().api().Write({}, {verb, kEtcdRestores, name, "", body});
  return wrote ? "" : wrote.error().message;
}

/// What the rules of the schema say, wherever they stand in it.
void CollectMessages(const Json& schema, std::set<std::string>& messages) {
  if (!schema.is_structured()) return;
  if (schema.is_object() && schema.contains("x-kubernetes-validations")) {
    for (const Json& rule : schema["x-kubernetes-validations"])
      messages.insert(rule["message"].get<std::string>());
  }
  for (const Json& member : schema) CollectMessages(member, messages);
}

TEST(ObjectCases, TheApiServerSaysTheSame) {
  const auto documents = LoadObjectCases();
  ASSERT_FALSE(documents.empty());
  const Json& base = documents.front().value;
  std::set<std::string> messages;
  CollectMessages(ObjectSchema(), messages);
  std::set<std::string> said_of_both;
  std::size_t judged = 0;
  for (std::size_t i = 1; i < documents.size(); ++i) {
    const Json& one = documents.at(i).value;
    SCOPED_TRACE(one["case"].get<std::string>() + " (line " + std::to_string(documents.at(i).line) +
                 ")");
    if (one.value("local", false)) continue;
    ++judged;
    const Json object = ObjectOf(base, one, "patch", i);
    if (one.contains("from")) {
      ASSERT_EQ(Answer(ObjectOf(base, one, "from", i), KubeVerb::kCreate), "");
    }
    const std::string said =
        Answer(object, one.contains("from") ? KubeVerb::kReplace : KubeVerb::kCreate);
    const auto faults = one.value("faults", std::vector<std::string>());
    if (faults.empty()) {
      EXPECT_EQ(said, "");
    }
    for (const std::string& fault : faults) {
      const std::string field = fault.substr(0, fault.find(": "));
      EXPECT_THAT(said, ::testing::HasSubstr(field)) << fault;
      for (const std::string& message : messages) {
        if (fault.find(message) == std::string::npos) continue;
        EXPECT_THAT(said, ::testing::HasSubstr(message));
        said_of_both.insert(message);
      }
    }
  }
  EXPECT_GT(judged, 30U);
  EXPECT_EQ(said_of_both, messages) << "every rule has a case that breaks it";
}

}  // namespace
}  // namespace etcdrestore::testing
