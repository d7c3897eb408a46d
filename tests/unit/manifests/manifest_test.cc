#include "operator/adapters/manifests/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace etcdrestore {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string ARestore(const std::string& name = "a", const std::string& spec = "") {
  return "apiVersion: etcdrestore.io/v1alpha1\nkind: EtcdRestore\nmetadata: {name: " + name +
         ", namespace: recovery}\nspec:\n  clusterName: prod\n"
         "  rke: {clusterConfig: {secretRef: {name: rke, key: cluster.yml}}}\n"
         "  snapshot: {latest: Verified}\n  sources: [{nodes: {}}]\n  runID: '1'\n" +
         spec;
}

constexpr const char* kSecret = R"(apiVersion: v1
kind: Secret
metadata: {name: rke, namespace: recovery}
data: {cluster.yml: Zm9v, other: b2xk}
stringData: {other: new}
)";

/// A folder of its own, gone at the end.
class LoadManifestsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "manifests-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  Result<Manifests> LoadFolder(const std::string& name = "") {
    return LoadManifests({folder_.string()}, name);
  }
  std::string Refused(const std::string& reason) {
    const auto loaded = LoadFolder();
    EXPECT_FALSE(loaded);
    if (loaded) return "accepted";
    EXPECT_EQ(loaded.error().reason, reason);
    EXPECT_EQ(loaded.error().kind, ErrorKind::kTerminal);
    return loaded.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(LoadManifestsTest, FindsTheRestoreAndItsValues) {
  Write("b.yaml", ARestore());
  Write("a.yml", kSecret);
  Write("c.json", R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm",
    "namespace": "recovery"}, "data": {"k": "v"}, "binaryData": {"b": "AP8="}})");
  Write("ignored.txt", "not yaml: [");
  const auto loaded = LoadFolder();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->restore.RunKey(), "prod/recovery/a/1");
  EXPECT_EQ(loaded->Resolve({true, "rke", "cluster.yml"})->Reveal(), "foo");
  EXPECT_EQ(loaded->Resolve({true, "rke", "other"})->Reveal(), "new");
  EXPECT_EQ(loaded->Resolve({false, "cm", "k"})->Reveal(), "v");
  EXPECT_EQ(loaded->Resolve({false, "cm", "b"})->Reveal(), std::string("\0\xFF", 2));
  EXPECT_TRUE(loaded->CheckReferences());
  EXPECT_THAT(loaded->files,
              ElementsAre(HasSubstr("a.yml"), HasSubstr("b.yaml"), HasSubstr("c.json")));
}

TEST_F(LoadManifestsTest, AMissingValueIsNamedWithTheFilesSearched) {
  const std::string file = Write("a.yaml", ARestore() + "---\n" + kSecret);
  const auto loaded = LoadManifests({file});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto object = loaded->Resolve({true, "ssh", "id"});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().reason, "ReferenceNotFound");
  EXPECT_THAT(object.error().message, HasSubstr("Secret recovery/ssh is not in the files given"));
  EXPECT_THAT(object.error().message, HasSubstr(file));
  const auto key = loaded->Resolve({true, "rke", "id"});
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message,
              HasSubstr("Secret recovery/rke has no key id, only: cluster.yml, other"));
  EXPECT_FALSE(loaded->Has({false, "rke", "cluster.yml"})) << "a Secret is no ConfigMap";
}

TEST_F(LoadManifestsTest, AllMissingReferencesAreToldAtOnce) {
  Write("a.yaml", ARestore("a", "  ssh:\n    privateKey: {secretRef: {name: k, key: id}}\n"));
  const auto loaded = LoadFolder();
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Status checked = loaded->CheckReferences();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("spec.rke.clusterConfig: Secret recovery/rke"));
  EXPECT_THAT(checked.error().message, HasSubstr("\nspec.ssh.privateKey: Secret recovery/k"));
}

TEST_F(LoadManifestsTest, S3CredentialsNeedBothKeys) {
  std::string text = ARestore();
  text.replace(
      text.find("{nodes: {}}"), 11,
      "{s3: {endpoint: 'https://s3', bucket: bbb, credentials: {secretRef: {name: rke}}}}");
  Write("a.yaml", text + "---\n" + kSecret);
  const auto loaded = LoadFolder();
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Status checked = loaded->CheckReferences();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("spec.sources[0].s3.credentials"));
  EXPECT_THAT(checked.error().message, HasSubstr("has no key accessKeyID"));
  EXPECT_THAT(checked.error().message, HasSubstr("has no key secretAccessKey"));
}

TEST_F(LoadManifestsTest, TheSameObjectTwiceIsRefusedWithBothPlaces) {
  Write("a.yaml", ARestore() + "---\n" + kSecret);
  Write("b.yaml", kSecret);
  const std::string message = Refused("ManifestInvalid");
  EXPECT_THAT(message, HasSubstr("b.yaml:1: Secret recovery/rke is already defined at "));
  EXPECT_THAT(message, HasSubstr("a.yaml:10"));
}

TEST_F(LoadManifestsTest, TheSameNameInAnotherNamespaceIsAnotherObject) {
  std::string other = kSecret;
  other.replace(other.find("recovery"), 8, "elsewhere");
  Write("a.yaml", ARestore() + "---\n" + kSecret + "---\n" + other);
  EXPECT_TRUE(LoadFolder());
}

TEST_F(LoadManifestsTest, OneOfSeveralRestoresIsChosenByName) {
  Write("a.yaml", ARestore("a") + "---\n" + ARestore("b"));
  EXPECT_THAT(Refused("RestoreAmbiguous"), HasSubstr("recovery/a"));
  EXPECT_EQ(LoadFolder("b")->restore.name, "b");
  EXPECT_EQ(LoadFolder("recovery/a")->restore.name, "a");
  const auto none = LoadFolder("c");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no EtcdRestore called c"));
  EXPECT_THAT(none.error().message, HasSubstr("recovery/b"));
}

TEST_F(LoadManifestsTest, NoRestoreIsToldWithTheFilesSearched) {
  Write("a.yaml", kSecret);
  EXPECT_THAT(Refused("RestoreNotFound"), HasSubstr("a.yaml"));
}

TEST_F(LoadManifestsTest, OtherKindsAreNoted) {
  Write("a.yaml", ARestore() + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n");
  const auto loaded = LoadFolder();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->notes, ElementsAre(HasSubstr("a.yaml:10: Deployment d is ignored")));
}

TEST_F(LoadManifestsTest, ListsAreOpened) {
  Write("a.json", R"({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1",
    "kind": "Secret", "metadata": {"name": "rke", "namespace": "recovery"},
    "data": {"cluster.yml": "Zm9v"}}]})");
  Write("b.yaml", ARestore());
  EXPECT_TRUE(LoadFolder()->CheckReferences());
}

TEST_F(LoadManifestsTest, AllFaultsAreToldAndNoSecretIsShown) {
  Write("a.yaml",
        "kind: Secret\napiVersion: v1\nmetadata: {name: s}\n"
        "data: {a: hush-hush!, b: 5}\nstringData: {c: true}\n---\nfoo: bar\n");
  Write("b.yaml", "a: [\n");
  Write("c.yaml", "apiVersion: v1\nkind: ConfigMap\ndata: {}\n");
  const std::string message = Refused("ManifestInvalid");
  EXPECT_THAT(message, HasSubstr("a.yaml:1: Secret default/s: data.a is not base64"));
  EXPECT_THAT(message, HasSubstr("data.b is not base64"));
  EXPECT_THAT(message, HasSubstr("stringData.c is not a string"));
  EXPECT_THAT(message, HasSubstr("kind is missing"));
  EXPECT_THAT(message, HasSubstr("b.yaml:"));
  EXPECT_THAT(message, HasSubstr("ConfigMap without metadata.name"));
  EXPECT_THAT(message, Not(HasSubstr("hush")));
}

TEST_F(LoadManifestsTest, AnInvalidRestoreIsToldWithItsPlace) {
  Write("a.yaml", ARestore("a", "  strategy: Magic\n"));
  const std::string message = Refused("ObjectInvalid");
  EXPECT_THAT(message, HasSubstr("a.yaml:1: spec.strategy: Unsupported value: \"Magic\""));
}

TEST_F(LoadManifestsTest, UnreadablePathsAreNamed) {
  for (const std::string& path : {folder_.string(), (folder_ / "none.yaml").string()}) {
    const auto loaded = LoadManifests({path});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().reason, "ManifestUnreadable");
    EXPECT_THAT(loaded.error().message, HasSubstr(path));
  }
}

}  // namespace
}  // namespace etcdrestore
