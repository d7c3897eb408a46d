#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kRoot = ETCDRESTORE_SOURCE_DIR;

Json Yaml(const std::string& name) {
  const std::string path = kRoot / name;
  const auto text = ReadFile(path);
  EXPECT_TRUE(text) << path;
  const auto documents = LoadYaml(text.value_or(""), path);
  EXPECT_TRUE(documents) << documents.error().message;
  return documents && !documents->empty() ? documents->front().value : Json::object();
}

Json Alerts() { return Yaml("manifests/monitoring/rules.yaml")["groups"][0]["rules"]; }

TEST(Alerts, AreTheSameForPrometheusAndForItsOperator) {
  EXPECT_EQ(Yaml("manifests/monitoring/prometheus-rule.yaml")["spec"]["groups"],
            Yaml("manifests/monitoring/rules.yaml")["groups"]);
}

TEST(Alerts, EachSaysHowBadItIsAndWhereToRead) {
  for (const Json& alert : Alerts()) {
    const std::string name = alert["alert"];
    SCOPED_TRACE(name);
    EXPECT_THAT(name, ::testing::StartsWith("EtcdRestore"));
    EXPECT_THAT(alert["labels"]["severity"].get<std::string>(),
                ::testing::AnyOf("critical", "warning", "info"));
    EXPECT_FALSE(alert["annotations"].value("summary", "").empty());
    EXPECT_FALSE(alert["annotations"].value("description", "").empty());
    EXPECT_EQ(alert["annotations"]["runbook_url"], "docs/runbooks/" + name + ".md");
  }
}

TEST(Alerts, EachHasAPageAndNoPageIsLeftOver) {
  std::set<std::string> wanted;
  for (const Json& alert : Alerts()) wanted.insert(alert["alert"].get<std::string>() + ".md");
  std::set<std::string> found;
  for (const auto& page : std::filesystem::directory_iterator(kRoot / "docs/runbooks"))
    found.insert(page.path().filename());
  EXPECT_EQ(found, wanted);
}

TEST(Alerts, EveryPageTellsMeaningImpactDiagnosisMitigation) {
  for (const auto& page : std::filesystem::directory_iterator(kRoot / "docs/runbooks")) {
    SCOPED_TRACE(page.path());
    const std::string text = ReadFile(page.path()).value_or("");
    EXPECT_THAT(text, ::testing::StartsWith("# " + page.path().stem().string() + "\n"));
    std::size_t at = 0;
    for (const std::string part : {"Meaning", "Impact", "Diagnosis", "Mitigation"}) {
      const std::size_t head = text.find("\n**" + part + ".** ", at);
      ASSERT_NE(head, std::string::npos) << part;
      const std::size_t body = head + part.size() + 7;
      const std::size_t end = std::min(text.find('\n', body), text.size());
      EXPECT_GT(end - body, 20U) << part << " says nothing";
      at = end;
    }
  }
}

TEST(Alerts, EachIsTriedByPromtoolFiringAndSilent) {
  std::set<std::string> fires;
  std::set<std::string> silent;
  const Json file = Yaml("tests/unit/monitoring/rules_test.yaml");
  for (const Json& test : file["tests"]) {
    for (const Json& one : test["alert_rule_test"])
      (one.contains("exp_alerts") ? fires : silent).insert(one["alertname"].get<std::string>());
  }
  for (const Json& alert : Alerts()) {
    EXPECT_TRUE(fires.contains(alert["alert"])) << alert["alert"];
    EXPECT_TRUE(silent.contains(alert["alert"])) << alert["alert"];
  }
}

}  // namespace
}  // namespace etcdrestore
