#include "reconcilers/cluster/registries.h"

#include <gtest/gtest.h>

#include "operator/base/base64.h"

namespace etcdrestore {
namespace {

std::string LoginFor(const char* registries, const std::string& image) {
  ClusterConfig config;
  for (const auto& registry : nlohmann::ordered_json::parse(registries))
    config.private_registries.push_back(registry);
  const auto login = DockerLogin(config, image);
  return login ? login->Reveal() : "none";
}

TEST(Registries, AreNamedByTheImageAsDockerReadsIt) {
  EXPECT_EQ(RegistryOf("etcd:3"), "docker.io");
  EXPECT_EQ(RegistryOf("rancher/etcd:3"), "docker.io");
  EXPECT_EQ(RegistryOf("reg.example.com/rancher/etcd:3"), "reg.example.com");
  EXPECT_EQ(RegistryOf("reg:5000/etcd"), "reg:5000");
  EXPECT_EQ(RegistryOf("localhost/etcd"), "localhost");
}

TEST(Registries, GiveTheLoginOfTheImagesOwnRegistryAndNoOther) {
  const char* two = R"([{"url": "https://reg:5000/team", "user": "u", "password": "p:'s"},
                        {"url": "open.example.com"}, {"url": "docker.io", "user": "d"}])";
  EXPECT_EQ(LoginFor(two, "reg:5000/rancher/etcd:3"),
            R"({"auths":{"reg:5000":{"auth":")" + EncodeBase64("u:p:'s") + R"("}}})");
  EXPECT_EQ(LoginFor(two, "open.example.com/etcd"), "{}") << "without a user it is open";
  EXPECT_EQ(
      LoginFor(two, "rancher/etcd:3"),
      R"({"auths":{"https://index.docker.io/v1/":{"auth":")" + EncodeBase64("d:") + R"("}}})");
  EXPECT_EQ(LoginFor(two, "reg:5001/etcd"), "none");
  EXPECT_EQ(LoginFor("[]", "rancher/etcd:3"), "none");
}

}  // namespace
}  // namespace etcdrestore
