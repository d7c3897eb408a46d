// docs/api.md is written from crds/etcdrestores.yaml and cannot say anything else. `make
// api-reference` writes it anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "crds/schema.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

const std::string kPage = std::string(ETCDRESTORE_SOURCE_DIR) + "/docs/api.md";

std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string TypeOf(const Json& schema) {
  if (schema["type"] == "array") return "list of " + TypeOf(schema["items"]);
  if (!schema.contains("enum")) {
    const std::string format = schema.value("format", "");
    return format == "date-time" ? "time" : schema["type"].get<std::string>();
  }
  std::string all;
  for (const Json& one : schema["enum"])
    all += (all.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : one.dump());
  return "one of " + all;
}

void AddRows(const Json& schema, const std::string& path, std::string& rows, std::string& rules) {
  for (const Json& rule : schema.value("x-kubernetes-validations", Json::array()))
    rules += "- `" + path + "`: " + rule["message"].get<std::string>() + "\n";
  if (schema["type"] == "array") return AddRows(schema["items"], path + "[]", rows, rules);
  if (!schema.contains("properties")) return;
  const Json required = schema.value("required", Json::array());
  for (const auto& [name, field] : schema["properties"].items()) {
    const std::string here = path + "." + name;
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    rows += "| `" + here + "` | " + Cell(TypeOf(field)) + (needed ? ", required" : "") + " | " +
            Cell(field["description"].get<std::string>()) + " |\n";
    AddRows(field, here, rows, rules);
  }
}

std::string Section(const std::string& name) {
  const Json& schema = ObjectSchema()["properties"][name];
  std::string rows;
  std::string rules;
  AddRows(schema, name, rows, rules);
  std::string text = "\n## " + name + "\n" + schema["description"].get<std::string>() +
                     "\n\n| field | type | meaning |\n|---|---|---|\n" + rows;
  if (!rules.empty())
    text += "\nRules, checked by the API server and by the command line alike:\n\n" + rules;
  return text;
}

std::string ApiReference() {
  const Json& version = CrdJson()["spec"]["versions"][0];
  std::string text = "# EtcdRestore, " + CrdJson()["spec"]["group"].get<std::string>() + "/" +
                     version["name"].get<std::string>() +
                     "\n\nWritten from `crds/etcdrestores.yaml`; do not edit, `make api-reference` "
                     "writes it anew. `kubectl explain etcdrestore.spec` says the same.\n\n" +
                     ObjectSchema()["description"].get<std::string>() + "\n";
  text += Section("spec") + Section("status");
  text += "\n## Columns of `kubectl get`\n| column | with | shows |\n|---|---|---|\n";
  for (const Json& column : version["additionalPrinterColumns"])
    text += "| " + column["name"].get<std::string>() + " | " +
            (column.value("priority", 0) == 0 ? "" : "`-o wide`") + " | `" +
            Cell(column["jsonPath"].get<std::string>()) + "` |\n";
  return text;
}

TEST(ApiReference, SaysWhatTheSchemaSays) {
  const std::string text = ApiReference();
  if (std::getenv("ETCDRESTORE_WRITE_REFERENCE") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(kPage, text));
  }
  EXPECT_EQ(ReadFile(kPage).value_or(""), text)
      << "the schema has changed: make api-reference, and commit docs/api.md with it";
}

TEST(ApiReference, HasARowForEveryField) {
  const std::string text = ApiReference();
  for (const char* one :
       {"| `spec.clusterName` | string, required |",
        "| `spec.sources[].s3.credentials.secretRef.name` | string, required |",
        "| `spec.strategy` | one of Auto, InPlace, Rebuild, Runbook |",
        "| `status.nodes[].member.hashKV` |", "| `status.timeline[].startedAt` |"})
    EXPECT_THAT(text, ::testing::HasSubstr(one));
}

}  // namespace
}  // namespace etcdrestore
