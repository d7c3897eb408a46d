#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "operator/adapters/manifests/cluster_text.h"
#include "operator/adapters/manifests/manifest.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

std::vector<NodeReplacement> Changes(const EtcdRestoreSpec& spec) {
  std::vector<NodeReplacement> changes;
  for (const NodeReplacementSpec& one : spec.replace_nodes) {
    changes.push_back(
        {one.address, one.with_address, one.with_internal_address, one.with_hostname_override});
  }
  return changes;
}

TEST(Samples, AreCompleteAndValid) {
  const std::filesystem::path folder =
      std::filesystem::path(ETCDRESTORE_SOURCE_DIR) / "manifests/samples";
  int seen = 0;
  for (const auto& sample : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(sample.path().string());
    const auto loaded = LoadManifests({sample.path().string()});
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Status references = loaded->CheckReferences();
    EXPECT_TRUE(references) << references.error().message;
    EXPECT_TRUE(loaded->notes.empty());
    const auto text = loaded->Resolve(loaded->restore.spec.cluster_config);
    ASSERT_TRUE(text);
    const auto config = ParseClusterConfigText(text->Reveal(), "cluster.yml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_TRUE(config->warnings.empty());
    const auto replaced = ReplaceNodes(*config, Changes(loaded->restore.spec));
    EXPECT_TRUE(replaced) << replaced.error().message;
    const std::string text_of = ReadFile(sample.path() / "restore.yaml").value_or("");
    EXPECT_NE(text_of.find("kubectl create namespace " + loaded->restore.name_space + ","),
              std::string::npos)
        << "nothing else makes it";
    EXPECT_FALSE(loaded->restore.raw["spec"].contains("notAfter")) << "it would pass";
    ++seen;
  }
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace etcdrestore
