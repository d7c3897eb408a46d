#include "tests/integration/kube/server.h"

#include <gtest/gtest.h>

#include "operator/base/base64.h"
#include "operator/base/files.h"

namespace etcdrestore::testing {
namespace {

std::unique_ptr<KubeServer> server;

/// Ended before the program's statics are.
class Ending final : public ::testing::Environment {
 public:
  void TearDown() override { server.reset(); }
};
[[maybe_unused]] const auto* const ending = ::testing::AddGlobalTestEnvironment(new Ending);

}  // namespace

KubeServer& Server() {
  if (server) return *server;
  auto started = KubeServer::Start();
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    std::exit(1);
  }
  server = std::move(*started);
  return *server;
}

std::string PlainKubeconfig(const std::string& server) {
  static int count = 0;
  const std::string path = Server().folder() + "/plain-" + std::to_string(++count) + ".yaml";
  EXPECT_TRUE(WriteFileAtomically(
      path, "current-context: a\nclusters: [{name: c, cluster: {server: '" + server +
                "'}}]\nusers: [{name: u, user: {}}]\n"
                "contexts: [{name: a, context: {cluster: c, user: u, "
                "namespace: etcdrestore-system}}]\n"));
  return path;
}

KubeObject UnreachableRestore(const std::string& name, const std::string& cluster,
                              const std::string& run_id, int port) {
  const std::string config =
      "cluster_name: c\nkubernetes_version: v1.32.2-rancher1-1\nnodes:\n"
      "  - {address: 127.0.0.1, port: \"" +
      std::to_string(port) + "\", user: rke, role: [controlplane, etcd, worker]}\n";
  const KubeObject secret = {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata", {{"name", name + "-inputs"}, {"namespace", "recovery"}}},
      {"data",
       {{"cluster.yml", EncodeBase64(config)}, {"key", EncodeBase64("no key, never used")}}}};
  const auto wrote = Server().api().Write(
      {}, {KubeVerb::kApply, kSecrets, {"recovery", name + "-inputs"}, "", secret});
  EXPECT_TRUE(wrote) << wrote.error().message;
  KubeObject object = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", name}, {"namespace", "recovery"}}},
      {"spec",
       {{"clusterName", cluster},
        {"rke",
         {{"clusterConfig",
           {{"secretRef", {{"name", name + "-inputs"}, {"key", "cluster.yml"}}}}}}},
        {"ssh", {{"privateKey", {{"secretRef", {{"name", name + "-inputs"}, {"key", "key"}}}}}}},
        // Refused for good, where an unreachable node alone would be waited for.
        {"snapshot", {{"latest", "Verified"}, {"pkiBundle", "pki.bundle.tar.gz"}}},
        {"runID", run_id}}}};
  object["spec"]["sources"] = KubeObject::array({KubeObject{{"nodes", KubeObject::object()}}});
  return object;
}

bool Allows(const std::string& user, const std::vector<std::string>& what) {
  std::vector<std::string> asks = {"auth", "can-i", "--as=" + user};
  asks.insert(asks.end(), what.begin(), what.end());
  for (int i = 0; i < 100; ++i) {
    if (Server().Kubectl(asks)) return true;
  }
  return false;
}

std::vector<int> PortsIn(const std::string& log) {
  const std::string before = "\"port\":\"";
  std::vector<int> ports;
  for (std::size_t at = log.find(before); at != std::string::npos; at = log.find(before, at + 1))
    ports.push_back(std::atoi(log.c_str() + at + before.size()));
  return ports;
}

}  // namespace etcdrestore::testing
