// What rules, dashboard and docs call metrics is what a scrape of the real operator holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "operator/adapters/http/http_client.h"
#include "operator/base/files.h"
#include "operator/kubernetes/operator_metrics.h"
#include "tests/integration/kube/server.h"
#include "tests/support/child_process.h"
#include "tests/support/metric_names.h"
#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

const std::filesystem::path kRoot = ETCDRESTORE_SOURCE_DIR;

std::string Scrape(int port) {
  static const auto client = std::move(HttpClient::Open({})).value();
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/metrics";
  request.max_body = 64U << 20U;
  const auto response = client->Send({}, request);
  return response ? response->body : "";
}

/// An object as a run that ended leaves it.
void CreateFinished(const std::string& name) {
  const KubeName at{"recovery", name};
  ASSERT_TRUE(Server().api().Write(
      {}, {KubeVerb::kCreate, kEtcdRestores, at, "", UnreachableRestore(name, name)}));
  const KubeObject status = {{"phase", "Succeeded"},
                             {"runID", "r1"},
                             {"observedGeneration", 1},
                             {"startTime", "2026-11-22T03:00:00Z"},
                             {"completionTime", "2026-11-22T03:01:00Z"},
                             {"snapshot", {{"takenAt", "2026-11-22T02:00:00Z"}}}};
  const auto wrote = Server().api().Write(
      {}, {KubeVerb::kMerge, kEtcdRestores, at, "status", {{"status", status}}});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

std::string Texts() {
  std::string all;
  for (const char* folder : {"docs", "manifests/monitoring"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      if (file.is_regular_file()) all += ReadFile(file.path()).value_or("") + "\n";
    }
  }
  return all;
}

TEST(Scrape, HoldsEveryMetricThatRulesDashboardAndDocsName) {
  CreateFinished("scraped");
  ASSERT_TRUE(Server().Apply(kRoot / "manifests/default/rbac.yaml"));
  const std::string& folder = Server().folder();
  const ChildProcess process(
      {ETCDRESTORE_PROGRAM, "operator", "--kubeconfig",
       Server().Kubeconfig("system:serviceaccount:etcdrestore-system:etcdrestore-operator",
                           "system:serviceaccounts"),
       "--namespace", "recovery", "--leader-elect-resource-name", "scraped", "--state-dir",
       folder + "/state-scrape", "--metrics-bind-address", "127.0.0.1:0",
       "--health-probe-bind-address", "127.0.0.1:0"},
      folder + "/scrape.log", {"HOME=" + folder});
  ASSERT_TRUE(process.WaitForLog("Leading")) << process.Log();
  const int port = PortsIn(process.Log()).at(1);
  // A node that takes the connection and says nothing: Preflight is seen at work.
  const Listener silent = ListenOnLoopback();
  const KubeName working{"recovery", "looks"};
  ASSERT_TRUE(Server().api().Write({}, {KubeVerb::kCreate, kEtcdRestores, working, "",
                                        UnreachableRestore("looks", "looks", "r1", silent.port)}));
  std::string scrape;
  EXPECT_TRUE(process.WaitUntil([&] {
    scrape = Scrape(port);
    return scrape.find("phase_start_timestamp_seconds{") != std::string::npos &&
           scrape.find("etcdrestore_last_success_timestamp_seconds{") != std::string::npos;
  })) << process.Log()
      << scrape;

  std::set<std::string> there;
  for (std::size_t at = 0; at < scrape.size(); at = scrape.find('\n', at) + 1) {
    if (scrape[at] != '#') there.insert(scrape.substr(at, scrape.find_first_of(" {", at) - at));
    if (scrape.find('\n', at) == std::string::npos) break;
  }
  const std::set<std::string> named = MetricsNamedIn(Texts());
  EXPECT_GT(named.size(), 20U);
  // Docs name a histogram by its family.
  for (const std::string& one : named)
    EXPECT_TRUE(there.contains(one) || there.contains(one + "_bucket")) << one << " is not there";
  for (const MetricSpec& one : MetricTable())
    EXPECT_TRUE(named.contains(one.name)) << one.name << " is nowhere explained";
}

}  // namespace
}  // namespace etcdrestore::testing
