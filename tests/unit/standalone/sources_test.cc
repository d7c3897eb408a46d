#include "operator/session/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "operator/adapters/manifests/manifest.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHead = R"(apiVersion: etcdrestore.io/v1alpha1
kind: EtcdRestore
metadata: {name: a}
spec:
  clusterName: prod
  runID: r1
  rke: {clusterConfig: {secretRef: {name: rke, key: cluster.yml}}}
  snapshot: {latest: Verified}
  sources:
)";
constexpr const char* kSecret = R"(---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {accessKeyID: id, secretAccessKey: canary}
)";

Result<std::vector<SnapshotSource>> Opened(const std::string& sources, RunMeter* meter = nullptr) {
  std::string folder = (std::filesystem::temp_directory_path() / "sources-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/a.yaml") << kHead << sources << kSecret;
  const auto manifests = LoadManifests({folder + "/a.yaml"});
  std::filesystem::remove_all(folder);
  if (!manifests) return manifests.error();
  const RealClock clock;
  static RunMeter nobody;
  return OpenSources({}, *manifests, manifests->restore.spec, clock, {}, meter ? *meter : nobody);
}

class Counts : public RunMeter {
 public:
  void OnDownloaded(const char* source, std::uint64_t bytes) override { read[source] += bytes; }
  void OnBadSnapshot(const char* source) override { ++bad[source]; }
  std::map<std::string, std::uint64_t> read;
  std::map<std::string, int> bad;
};

TEST(Sources, OpenInTheirOrderWithoutTalkingToAnyone) {
  const auto opened = Opened(
      "    - s3: {endpoint: https://s3.example.com, region: eu-1, bucket: backups, prefix: prod/,"
      " forcePathStyle: true, credentials: {secretRef: {name: keys}}}\n"
      "    - nodes: {directory: /opt/rke/etcd-snapshots}\n"
      "    - http: {url: \"https://example.com/snap.zip\"}\n"
      "    - file: {path: /tmp/snap.db}\n");
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_EQ(opened->size(), 4U);
  EXPECT_THAT(opened->at(0).store->Describe(), HasSubstr("backups"));
  EXPECT_THAT(opened->at(0).store->Describe(), Not(HasSubstr("canary")));
  EXPECT_EQ(opened->at(0).prefix, "prod/");
  EXPECT_TRUE(opened->at(0).nodes_can_download);
  EXPECT_FALSE(opened->at(1).nodes_can_download);
  EXPECT_TRUE(opened->at(2).nodes_can_download);
  EXPECT_FALSE(opened->at(3).nodes_can_download);
}

TEST(Sources, NameASecretThatIsMissing) {
  const auto opened = Opened(
      "    - s3: {endpoint: https://s3.example.com, region: eu-1, bucket: backups,"
      " credentials: {secretRef: {name: lost}}}\n");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "ReferenceNotFound");
  EXPECT_THAT(opened.error().message, HasSubstr("lost"));
}

TEST(Sources, TellHowManyBytesTheyGaveAndWhoseSnapshotsAreNotWhole) {
  std::string folder = (std::filesystem::temp_directory_path() / "counted-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/broken.db") << std::string(1000, 'x');
  Counts counts;
  auto opened = Opened("    - file: {path: " + folder + "/broken.db}\n", &counts);
  ASSERT_TRUE(opened) << opened.error().message;
  SnapshotWish wish;
  wish.spec.latest = LatestPolicy::kVerified;
  wish.folder = folder;
  const auto chosen = ChooseSnapshot({}, wish, *opened, *ParseTime("2026-11-22T06:00:00Z"));
  std::filesystem::remove_all(folder);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(counts.read, (std::map<std::string, std::uint64_t>{{"file", 1000}}));
  EXPECT_EQ(counts.bad, (std::map<std::string, int>{{"file", 1}}));
}

}  // namespace
}  // namespace etcdrestore
