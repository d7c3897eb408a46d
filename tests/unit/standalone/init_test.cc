#include "operator/cli/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "operator/adapters/manifests/manifest.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;

constexpr const char* kConfig = R"(kubernetes_version: v1.32.2-rancher1-1
cluster_name: prod
nodes:
  - {address: 1.1.1.1, user: u, role: [etcd, controlplane], ssh_key_path: KEY}
)";
const SystemTime kNow = *ParseTime("2026-11-22T04:05:06Z");

struct InitTest : testing::Test {
  InitTest() {
    folder = (std::filesystem::temp_directory_path() / "init-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    std::string config = kConfig;
    config.replace(config.find("KEY"), 3, folder + "/key");
    Write("rancher-cluster.yml", config);
    Write("key", "-----BEGIN KEY-----\nx\n-----END KEY-----\n");
    Write("known_hosts", "1.1.1.1 ssh-ed25519 AAAA\n");
    options.config = folder + "/rancher-cluster.yml";
    options.known_hosts = folder + "/known_hosts";
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_SESSION_TOKEN");
  }
  ~InitTest() override { std::filesystem::remove_all(folder); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/" + name) << text;
  }
  /// What `run -f` would read from what init wrote.
  Manifests Made() {
    const auto text = MakeManifest(options, kNow);
    EXPECT_TRUE(text) << text.error().message;
    Write("made.yaml", text ? *text : "");
    auto manifests = LoadManifests({folder + "/made.yaml"});
    EXPECT_TRUE(manifests) << manifests.error().message;
    return manifests ? *manifests : Manifests{};
  }

  std::string folder;
  InitOptions options;
};

TEST_F(InitTest, WritesAManifestThatRunAccepts) {
  Write("rancher-cluster.rkestate", "{\"desiredState\": {}}");
  const Manifests made = Made();
  EXPECT_TRUE(made.CheckReferences());
  EXPECT_EQ(made.restore.spec.cluster_name, "prod");
  EXPECT_EQ(made.restore.name, "prod-restore");
  EXPECT_EQ(made.restore.spec.run_id, "2026-11-22T04-05-06Z");
  EXPECT_EQ(made.restore.spec.snapshot.latest, LatestPolicy::kVerified);
  ASSERT_TRUE(made.restore.spec.cluster_state);
  EXPECT_EQ(made.Resolve(*made.restore.spec.cluster_state)->Reveal(), "{\"desiredState\": {}}");
  EXPECT_THAT(made.Resolve(made.restore.spec.cluster_config)->Reveal(), HasSubstr("1.1.1.1"));
  EXPECT_THAT(made.Resolve(*made.restore.spec.ssh_private_key)->Reveal(), HasSubstr("BEGIN KEY"));
}

TEST_F(InitTest, TakesTheNamesItIsGiven) {
  options.name = "after-outage";
  options.cluster_name = "other";
  options.snapshot = "snap-1";
  const Manifests made = Made();
  EXPECT_EQ(made.restore.name, "after-outage");
  EXPECT_EQ(made.restore.spec.cluster_name, "other");
  EXPECT_EQ(made.restore.spec.snapshot.name, "snap-1");
  EXPECT_FALSE(made.restore.spec.cluster_state) << "there is no rkestate beside cluster.yml";
}

TEST_F(InitTest, ReadsBothFormsOfAnS3Address) {
  setenv("AWS_ACCESS_KEY_ID", "id", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "canary", 1);
  const struct {
    const char* given;
    const char* endpoint;
    const char* bucket;
    const char* prefix;
    bool path_style;
  } cases[] = {
      {"s3://backups/prod/", "https://s3.amazonaws.com", "backups", "prod/", false},
      {"s3://backups", "https://s3.amazonaws.com", "backups", "", false},
      {"https://s3.example.com:9000/backups/a/b", "https://s3.example.com:9000", "backups", "a/b",
       true},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.given);
    options.s3 = one.given;
    const Manifests made = Made();
    ASSERT_EQ(made.restore.spec.sources.size(), 2U);
    const auto& s3 = std::get<S3SourceSpec>(made.restore.spec.sources[0]);
    EXPECT_EQ(s3.endpoint, one.endpoint);
    EXPECT_EQ(s3.bucket, one.bucket);
    EXPECT_EQ(s3.prefix, one.prefix);
    EXPECT_EQ(s3.force_path_style, one.path_style);
    EXPECT_TRUE(made.CheckReferences());
  }
}

TEST_F(InitTest, NamesWhatIsMissing) {
  options.s3 = "s3://backups";
  EXPECT_THAT(MakeManifest(options, kNow).error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
  options.s3 = "backups";
  EXPECT_THAT(MakeManifest(options, kNow).error().message, HasSubstr("s3://bucket/prefix"));
  options.s3 = "";
  options.known_hosts = folder + "/nowhere";
  EXPECT_THAT(MakeManifest(options, kNow).error().message, HasSubstr("--known-hosts"));
  options.config = folder + "/nothing.yml";
  EXPECT_THAT(MakeManifest(options, kNow).error().message, HasSubstr("nothing.yml"));
}

}  // namespace
}  // namespace etcdrestore
