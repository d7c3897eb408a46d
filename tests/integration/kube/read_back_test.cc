// What the real API server makes of an object: the defaults that it fills in are those of
// docs/api.md, and `kubectl get` shows the columns that people read at night.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "crds/schema.h"
#include "operator/adapters/http/http_client.h"
#include "operator/base/files.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

using Leaves = std::map<std::string, std::string>;  ///< by path, as docs/api.md spells it

void AddLeaves(const Json& value, const std::string& path, Leaves& leaves) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) AddLeaves(member, path + "." + name, leaves);
  } else if (value.is_array()) {
    for (const Json& member : value) AddLeaves(member, path + "[]", leaves);
  } else {
    leaves[path] = value.is_string() ? value.get<std::string>() : value.dump();
  }
}

Leaves LeavesOf(const Json& object) {
  Leaves leaves;
  AddLeaves(object["spec"], "spec", leaves);
  return leaves;
}

/// What docs/api.md gives as the default of each field, up to the first comma or full stop.
Leaves DocumentedDefaults() {
  const std::string page = std::string(ETCDRESTORE_SOURCE_DIR) + "/docs/api.md";
  std::istringstream lines(ReadFile(page).value_or(""));
  const std::regex row(R"(\| `(spec\.[^`]+)` \|.* Default: (.+?)([.,;] .*|\.)\|?)");
  Leaves defaults;
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, found, row)) defaults[found[1]] = found[2];
  }
  return defaults;
}

std::size_t ValuesIn(const Json& schema) {
  std::size_t count = 0;
  if (schema.is_object() && schema.contains("default") && !schema["default"].is_structured())
    ++count;
  if (schema.is_structured()) {
    for (const Json& member : schema) count += ValuesIn(member);
  }
  return count;
}

KubeObject Minimal(const std::string& name) {
  return {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", name}, {"namespace", "recovery"}}},
      {"spec",
       {{"clusterName", "prod"},
        {"rke", {{"clusterConfig", {{"secretRef", {{"name", "a"}, {"key", "b"}}}}}}},
        {"snapshot", {{"latest", "Verified"}}},
        {"sources", KubeObject::array(
                        {{{"s3", {{"endpoint", "https://s3.example.com"}, {"bucket", "backups"}}}},
                         {{"nodes", KubeObject::object()}}})},
        {"runID", "1"}}}};
}

KubeObject Applied(const std::string& name) {
  const KubeName at{"recovery", name};
  const auto wrote =
      Server().api().Write({}, {KubeVerb::kApply, kEtcdRestores, at, "", Minimal(name)});
  EXPECT_TRUE(wrote) << wrote.error().message;
  const auto now = Server().api().Get({}, kEtcdRestores, at);
  return now ? *now : KubeObject::object();
}

TEST(ReadBack, TheServerFillsInExactlyTheDefaultsThatTheDocsGive) {
  const Leaves given = LeavesOf(Minimal("defaults"));
  const Leaves documented = DocumentedDefaults();
  Leaves filled;
  for (const auto& [path, value] : LeavesOf(Applied("defaults"))) {
    if (!given.contains(path)) filled[path] = value;
  }
  EXPECT_EQ(filled.size(), ValuesIn(ObjectSchema()["properties"]["spec"]))
      << "the object is one that every default applies to";
  for (const auto& [path, value] : filled) {
    const auto told = documented.find(path);
    ASSERT_NE(told, documented.end()) << "no default is documented for " << path;
    EXPECT_EQ(told->second, value.empty() ? "empty" : value) << path;
  }
  // The rest is said in words, since no value stands for it.
  for (const auto& [path, words] : documented) {
    const bool prose = words == "none" || words == "empty" || words == "address" ||
                       words.find(' ') != std::string::npos;
    EXPECT_TRUE(filled.contains(path) || prose) << path << " is not " << words;
  }
}

TEST(ReadBack, TheCommandLineFillsInTheSame) {
  Json here = Minimal("same");
  ApplyDefaults(here, ObjectSchema());
  EXPECT_EQ(LeavesOf(here), LeavesOf(Applied("same")));
}

/// As `kubectl get` asks for it.
Json Table(const std::string& name) {
  const KubeAccess access = Server().Access();
  HttpOptions options;
  options.tls = {access.ca.text, "", access.client_cert.text, Secret(access.client_key.text)};
  const auto client = HttpClient::Open(options);
  EXPECT_TRUE(client) << client.error().message;
  HttpRequest request;
  request.url =
      access.server + "/apis/etcdrestore.io/v1alpha1/namespaces/recovery/etcdrestores/" + name;
  request.headers = {{"Accept", "application/json;as=Table;g=meta.k8s.io;v=v1"}};
  const auto answer = (*client)->Send(Call().Within(30s), request);
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? Json::parse(answer->body, nullptr, false) : Json();
}

void CreateAtItsEnd(const std::string& name) {
  (void)Applied(name);
  const SystemTime now = RealClock().Now();
  const Json status = {{"phase", "Succeeded"},
                       {"progress", "6/6"},
                       {"runID", "r7"},
                       {"startTime", FormatTime(now - 90min - 30s)},
                       {"completionTime", FormatTime(now - 45min - 30s)},
                       {"snapshot", {{"name", "base"}, {"takenAt", FormatTime(now - 49h - 30min)}}},
                       {"conditions",
                        {{{"type", "Ready"},
                          {"status", "True"},
                          {"reason", "Verified"},
                          {"message", "the cluster is restored and verified"},
                          {"lastTransitionTime", FormatTime(now)}},
                         {{"type", "Succeeded"},
                          {"status", "True"},
                          {"reason", "Done"},
                          {"message", ""},
                          {"lastTransitionTime", FormatTime(now)}}}}};
  const auto wrote = Server().api().Write(
      {}, {KubeVerb::kMerge, kEtcdRestores, {"recovery", name}, "status", {{"status", status}}});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

TEST(ReadBack, TheTableHasTheColumnsAndCellsOfAnObject) {
  CreateAtItsEnd("shown");
  const Json table = Table("shown");
  ASSERT_EQ(table.value("kind", ""), "Table") << table.dump();
  std::vector<std::string> narrow;
  std::vector<std::string> wide;
  std::map<std::string, std::string> cells;
  for (std::size_t i = 0; i < table["columnDefinitions"].size(); ++i) {
    const Json& column = table["columnDefinitions"][i];
    (column["priority"] == 0 ? narrow : wide).push_back(column["name"]);
    cells[column["name"]] = table["rows"][0]["cells"][i];
  }
  EXPECT_THAT(narrow, ElementsAre("Name", "Cluster", "Phase", "Progress", "Succeeded", "Age"));
  EXPECT_THAT(wide, ElementsAre("Reason", "Snapshot", "Snapshot-Time", "Started", "Completed",
                                "Run", "Message"));
  EXPECT_THAT(cells["Age"], MatchesRegex("[0-9]+s"));
  cells.erase("Age");
  EXPECT_EQ(cells, (std::map<std::string, std::string>{
                       {"Name", "shown"},
                       {"Cluster", "prod"},
                       {"Phase", "Succeeded"},
                       {"Progress", "6/6"},
                       {"Succeeded", "True"},
                       {"Reason", "Verified"},
                       {"Snapshot", "base"},
                       {"Snapshot-Time", "2d1h"},
                       {"Started", "90m"},
                       {"Completed", "45m"},
                       {"Run", "r7"},
                       {"Message", "the cluster is restored and verified"}}));
}

TEST(ReadBack, KubectlShowsTheRestOnlyWhenAskedForWide) {
  CreateAtItsEnd("wide");
  const auto narrow = Server().Kubectl({"get", "etcdrs", "wide", "-n", "recovery"});
  const auto wide = Server().Kubectl({"get", "etcdrs", "wide", "-n", "recovery", "-o", "wide"});
  ASSERT_TRUE(narrow && wide);
  EXPECT_THAT(*narrow, HasSubstr("PROGRESS"));
  EXPECT_THAT(*narrow, Not(HasSubstr("MESSAGE")));
  EXPECT_THAT(*wide, HasSubstr("the cluster is restored and verified"));
}

}  // namespace
}  // namespace etcdrestore::testing
