#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crds/etcd_restore.h"
#include "crds/schema.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> Documents(const std::string& name) {
  const std::string path = std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/" + name;
  const auto loaded = LoadYaml(ReadFile(path).value_or(""), path);
  EXPECT_TRUE(loaded) << loaded.error().message;
  std::vector<Json> documents;
  for (const YamlDocument& one : *loaded) documents.push_back(one.value);
  return documents;
}

double HoursOf(const std::string& text) {
  EXPECT_EQ(text.back(), 'h') << text;
  return std::stod(text);
}

TEST(GitOps, RestoresAreSyncedByHandAndTheOperatorByItself) {
  const Json flux = Documents("flux/restores.yaml").at(0);
  EXPECT_TRUE(flux["spec"]["suspend"]);
  EXPECT_FALSE(flux["spec"]["prune"]);
  EXPECT_EQ(flux["spec"]["dependsOn"][0]["name"],
            Documents("flux/operator.yaml").at(1)["metadata"]["name"]);
  const auto argo = Documents("argocd/applications.yaml");
  EXPECT_TRUE(argo.at(0)["spec"]["syncPolicy"].contains("automated"));
  EXPECT_FALSE(argo.at(1)["spec"]["syncPolicy"].contains("automated"));
}

TEST(GitOps, FluxWaitsLongerThanARestoreMayTake) {
  const Json& total =
      ObjectSchema()["properties"]["spec"]["properties"]["deadlines"]["properties"]["total"];
  const Json flux = Documents("flux/restores.yaml").at(0);
  EXPECT_GT(HoursOf(flux["spec"]["timeout"]), HoursOf(total["default"]));
}

TEST(GitOps, FluxLooksAtConditionsThatTheStatusHas) {
  const Json checks = Documents("flux/restores.yaml").at(0)["spec"]["healthCheckExprs"][0];
  EXPECT_EQ(checks["apiVersion"], "etcdrestore.io/v1alpha1");
  EXPECT_EQ(checks["kind"], "EtcdRestore");
  EXPECT_THAT(checks["failed"].get<std::string>(), ::testing::HasSubstr("'Failed'"));
  EXPECT_THAT(checks["current"].get<std::string>(), ::testing::HasSubstr("'Succeeded'"));
}

}  // namespace
}  // namespace etcdrestore
