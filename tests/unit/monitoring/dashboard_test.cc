#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::json;

Json Dashboard() {
  return Json::parse(
      ReadFile(std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/monitoring/dashboard.json")
          .value_or(""));
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

/// As Grafana sends it.
std::string Query(std::string text) {
  text = Replaced(text, "$__rate_interval", "5m");
  text = Replaced(text, "$__range", "1h");
  for (const char* one : {"$job", "$namespace", "$cluster"}) text = Replaced(text, one, ".*");
  return text;
}

TEST(Dashboard, EveryPanelHasATitleAPlaceAndAQueryThatPrometheusReads) {
  const Json dashboard = Dashboard();
  Json rules = Json::array();
  std::set<int> ids;
  for (const Json& panel : dashboard["panels"]) {
    EXPECT_FALSE(panel.value("title", "").empty());
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second) << panel["title"];
    EXPECT_LE(panel["gridPos"]["x"].get<int>() + panel["gridPos"]["w"].get<int>(), 24);
    if (panel["type"] == "row") continue;
    EXPECT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const Json& target : panel["targets"]) {
      const std::string query = Query(target["expr"]);
      EXPECT_EQ(query.find('$'), std::string::npos) << "an unknown variable in " << query;
      rules.push_back({{"record", "query:" + std::to_string(rules.size())}, {"expr", query}});
    }
  }
  EXPECT_GT(rules.size(), 20U);
  const std::string path =
      ::testing::TempDir() + "/queries-" + std::to_string(::getpid()) + ".yaml";
  const Json groups = Json::array({{{"name", "queries"}, {"rules", rules}}});
  ASSERT_TRUE(WriteFileAtomically(path, Json{{"groups", groups}}.dump()));
  EXPECT_EQ(std::system(("promtool check rules --lint=none " + path + " 1>&2").c_str()), 0);
  (void)std::remove(path.c_str());
}

TEST(Dashboard, AsksTheDataSourceThatIsChosen) {
  const Json dashboard = Dashboard();
  for (const Json& panel : dashboard["panels"]) {
    if (panel["type"] != "row") {
      EXPECT_EQ(panel["datasource"]["uid"], "${datasource}") << panel["title"];
    }
  }
  EXPECT_EQ(dashboard["templating"]["list"][0]["type"], "datasource");
}

}  // namespace
}  // namespace etcdrestore
