#include "operator/adapters/http/cluster_api_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace etcdrestore {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

Status DeleteWith(const Json& config) {
  const auto api = MakeClusterApi([&](const std::string&) { return config; });
  return api->DeleteNode({}, "kube_config_cluster.yml", "node");
}

/// Nobody listens at its server.
Json Sound() {
  return Json::parse(R"({
    "clusters": [{"cluster": {"server": "https://127.0.0.1:1",
                              "certificate-authority-data": "Y2E="}}],
    "users": [{"user": {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}}]})");
}

TEST(ClusterApiHttp, RefusesAKubeconfigWithADamagedCertificateOrKey) {
  for (const char* field :
       {"/clusters/0/cluster/certificate-authority-data", "/users/0/user/client-certificate-data",
        "/users/0/user/client-key-data"}) {
    for (const char* damaged : {"Y2E", "!", ""}) {
      SCOPED_TRACE(std::string(field) + " `" + damaged + "`");
      Json config = Sound();
      config[Json::json_pointer(field)] = damaged;
      const Status deleted = DeleteWith(config);
      ASSERT_FALSE(deleted);
      EXPECT_EQ(deleted.error().reason, "KubeconfigInvalid");
      EXPECT_THAT(deleted.error().message,
                  HasSubstr("kube_config_cluster.yml: " +
                            std::filesystem::path(field).filename().string()));
    }
  }
}

TEST(ClusterApiHttp, TakesAKubeconfigThatIsSound) {
  const Status deleted = DeleteWith(Sound());
  ASSERT_FALSE(deleted);
  EXPECT_NE(deleted.error().reason, "KubeconfigInvalid");
}

}  // namespace
}  // namespace etcdrestore
