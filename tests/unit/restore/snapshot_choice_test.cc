#include "reconcilers/restore/snapshot_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/files.h"
#include "tests/fakes/rig.h"

namespace etcdrestore {
namespace {

using fakes::MemoryBucket;
using fakes::MemoryStore;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

std::string Golden(const char* name) {
  std::string folder = (std::filesystem::temp_directory_path() / "choice-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  const std::string zip =
      std::string(ETCDRESTORE_SOURCE_DIR "/tests/unit/snapshot/testdata/") + name + ".zip";
  EXPECT_TRUE(UnpackZip({}, zip, folder + "/db", 1U << 30U));
  const std::string bytes = ReadFile(folder + "/db").value_or("");
  std::filesystem::remove_all(folder);
  return bytes;
}

struct SnapshotChoiceTest : testing::Test {
  SnapshotChoiceTest() {
    folder = (std::filesystem::temp_directory_path() / "choice-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    wish.folder = folder;
    wish.spec.latest = LatestPolicy::kVerified;
  }
  ~SnapshotChoiceTest() override { std::filesystem::remove_all(folder); }

  void Add(const std::string& key, const std::string& bytes,
           const char* modified = "2026-11-22T00:00:00Z") {
    bucket.objects[key] = {bytes, *ParseTime(modified)};
  }
  void Named(const std::string& name) {
    wish.spec.latest.reset();
    wish.spec.name = name;
  }
  Result<SnapshotChoice> Choose() {
    sources.clear();
    sources.push_back({std::make_unique<MemoryStore>(bucket, "first"), prefix, can_download});
    sources.push_back({std::make_unique<MemoryStore>(second, "second"), "", false});
    return ChooseSnapshot({}, wish, sources, *ParseTime("2026-11-22T06:00:00Z"));
  }
  std::string Chosen() {
    const auto choice = Choose();
    return choice ? choice->snapshot.name : choice.error().reason;
  }

  std::string folder;
  std::string prefix;
  bool can_download = true;
  SnapshotWish wish;
  MemoryBucket bucket;
  MemoryBucket second;
  std::vector<SnapshotSource> sources;
  const std::string good = fakes::ASnapshot();
  const std::string larger = Golden("history");  ///< at a higher revision, with more keys
  const std::string damaged = [this] {
    std::string bytes = good;
    bytes[5000] = static_cast<char>(bytes[5000] ^ 1);
    return bytes;
  }();
};

TEST_F(SnapshotChoiceTest, FindsANameWithAndWithoutItsEnding) {
  for (const char* stored : {"snap", "snap.db"}) {
    for (const char* asked : {"snap", "snap.zip", "snap.db"}) {
      SCOPED_TRACE(std::string(stored) + " asked as " + asked);
      bucket.objects.clear();
      Add(stored, good);
      Add("snapshot", damaged);
      Named(asked);
      EXPECT_EQ(Chosen(), "snap");
    }
  }
}

TEST_F(SnapshotChoiceTest, UnpacksAZipAndThenRelays) {
  Add("kube.zip",
      ReadFile(ETCDRESTORE_SOURCE_DIR "/tests/unit/snapshot/testdata/kube.zip").value_or(""));
  Named("kube");
  const auto choice = Choose();
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->snapshot.facts.sha256, fakes::ASnapshotFacts().sha256);
  EXPECT_EQ(choice->delivery.path, folder + "/snapshot.db");
  EXPECT_FALSE(choice->delivery.url) << "nodes would download the zip";
}

TEST_F(SnapshotChoiceTest, LetsNodesDownloadARawSnapshotWhereTheyCan) {
  Add("snap", good);
  auto choice = Choose();
  ASSERT_TRUE(choice) << choice.error().message;
  ASSERT_TRUE(choice->delivery.url);
  EXPECT_THAT(choice->delivery.url()->Reveal(), HasSubstr("https://memory/snap"));
  EXPECT_EQ(ReadFile(choice->delivery.path).value_or(""), good);
  can_download = false;
  EXPECT_FALSE(Choose()->delivery.url);
}

TEST_F(SnapshotChoiceTest, LatestIsByTheTimeInTheNameElseByTheStore) {
  Add("2026-11-22T03:00:00Z_etcd", good, "2026-11-22T01:00:00Z");
  Add("2026-11-22T02:00:00Z_etcd", good, "2026-11-22T05:30:00Z");
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
  Add("by-hand", good, "2026-11-22T04:00:00Z");
  EXPECT_EQ(Chosen(), "by-hand");
  Add("cluster.rkestate", good, "2026-11-22T05:00:00Z");
  Add("pki.bundle.tar.gz", good, "2026-11-22T05:00:00Z");
  Add("empty", "", "2026-11-22T05:00:00Z");
  EXPECT_EQ(Chosen(), "by-hand");
}

TEST_F(SnapshotChoiceTest, VerifiedFallsBackToAnOlderOneAndSaysSo) {
  Add("2026-11-22T03:00:00Z_etcd", damaged);
  Add("2026-11-22T02:00:00Z_etcd", good.substr(0, 8192));
  Add("2026-11-22T01:00:00Z_etcd", good);
  const auto choice = Choose();
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->snapshot.name, "2026-11-22T01:00:00Z_etcd");
  EXPECT_EQ(choice->notes.size(), 2U);
  EXPECT_THAT(choice->notes, Contains(HasSubstr("2026-11-22T03:00:00Z_etcd from first")));
}

TEST_F(SnapshotChoiceTest, AnyIsDecidedByTheNewest) {
  wish.spec.latest = LatestPolicy::kAny;
  Add("2026-11-22T03:00:00Z_etcd", damaged);
  Add("2026-11-22T01:00:00Z_etcd", good);
  EXPECT_EQ(Chosen(), "SnapshotCorrupt");
}

TEST_F(SnapshotChoiceTest, BeforeIsInclusive) {
  wish.spec.latest.reset();
  wish.spec.before = ParseTime("2026-11-22T02:00:00Z");
  Add("2026-11-22T03:00:00Z_etcd", good);
  Add("2026-11-22T02:00:00Z_etcd", good);
  Add("2026-11-22T01:00:00Z_etcd", good);
  EXPECT_EQ(Chosen(), "2026-11-22T02:00:00Z_etcd");
  wish.spec.before = ParseTime("2026-11-22T00:00:00Z");
  EXPECT_EQ(Chosen(), "SnapshotNotFound");
}

TEST_F(SnapshotChoiceTest, ADemandedDigestMustBeThatOfTheFile) {
  Add("snap", good);
  Named("snap");
  wish.spec.sha256 = fakes::ASnapshotFacts().sha256;
  EXPECT_EQ(Chosen(), "snap");
  wish.spec.sha256 = std::string(64, 'a');
  EXPECT_EQ(Chosen(), "SnapshotDigestDiffers");
}

TEST_F(SnapshotChoiceTest, WhatARunPinnedWinsOverAnythingNewer) {
  wish.pinned_sha256 = fakes::ASnapshotFacts().sha256;
  Add("2026-11-22T03:00:00Z_etcd", Golden("history"));
  Add("2026-11-22T01:00:00Z_etcd", good);
  for (const LatestPolicy policy : {LatestPolicy::kVerified, LatestPolicy::kAny}) {
    wish.spec.latest = policy;
    EXPECT_EQ(Chosen(), "2026-11-22T01:00:00Z_etcd");
  }
}

TEST_F(SnapshotChoiceTest, ASuspiciousOneIsTakenByItsExactNameOnly) {
  Add("2026-11-22T03:00:00Z_etcd", Golden("history"));
  EXPECT_EQ(Chosen(), "SnapshotSuspicious");
  Named("2026-11-22T03:00:00Z_etcd");
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
}

TEST_F(SnapshotChoiceTest, WhatIsLessThanAnOlderOneIsPassedOver) {
  Add("2026-11-22T03:00:00Z_etcd", good);
  Add("2026-11-22T02:00:00Z_etcd", damaged);
  Add("2026-11-22T01:00:00Z_etcd", larger);
  Add("2026-11-21T03:00:00Z_etcd", good);
  const auto choice = Choose();
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->snapshot.name, "2026-11-21T03:00:00Z_etcd");
  EXPECT_THAT(
      choice->notes,
      testing::ElementsAre(
          HasSubstr("2026-11-22T03:00:00Z_etcd from first: is at revision 202, lower than 2048 of "
                    "the older snapshot 2026-11-22T01:00:00Z_etcd"),
          HasSubstr("2026-11-22T02:00:00Z_etcd"), HasSubstr("no namespace kube-system")));
  EXPECT_EQ(bucket.gets, 4) << "each is fetched once";
  wish.spec.latest.reset();
  wish.spec.before = ParseTime("2026-11-22T03:00:00Z");
  EXPECT_EQ(Chosen(), "2026-11-21T03:00:00Z_etcd");
  wish.spec.before.reset();
  wish.spec.latest = LatestPolicy::kAny;
  EXPECT_EQ(Chosen(), "SnapshotSuspicious");
  bucket.gets = 0;
  Named("2026-11-22T03:00:00Z_etcd");
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
  EXPECT_EQ(bucket.gets, 1) << "what is named is compared with nothing";
}

TEST_F(SnapshotChoiceTest, IsComparedWithFewAndOnlyWithinItsSource) {
  Add("2026-11-22T03:00:00Z_etcd", good);
  second.objects["2026-11-22T01:00:00Z_etcd"] = {larger, {}};
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd") << "another source is another history";
  for (const char* name :
       {"2026-11-22T02:00:00Z_etcd", "2026-11-22T01:30:00Z_etcd", "2026-11-22T01:20:00Z_etcd"})
    Add(name, damaged);
  Add("2026-11-22T01:00:00Z_etcd", larger);
  bucket.gets = 0;
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
  EXPECT_EQ(bucket.gets, 4);
}

TEST_F(SnapshotChoiceTest, CopiesOfOneSnapshotAreNotOlderThanEachOther) {
  Add("n1/2026-11-22T03:00:00Z_etcd", good);
  Add("n2/2026-11-22T03:00:00Z_etcd", larger);
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
  EXPECT_EQ(bucket.gets, 1);
}

TEST_F(SnapshotChoiceTest, LeavesNothingBesideTheChosenFile) {
  Add("2026-11-22T03:00:00Z_etcd", good);
  Add("2026-11-22T01:00:00Z_etcd", good);
  EXPECT_EQ(Chosen(), "2026-11-22T03:00:00Z_etcd");
  bucket.objects.clear();
  Add("2026-11-22T03:00:00Z_etcd", damaged);
  EXPECT_EQ(Chosen(), "SnapshotCorrupt");
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::ElementsAre("snapshot.db"));
}

TEST(Suspicion, IsALowerRevisionOrUnderHalfTheKeys) {
  const struct {
    std::int64_t revision;
    std::uint64_t keys;
    const char* said;
  } cases[] = {{1000, 100, ""},
               {1001, 50, ""},
               {999, 100, "is at revision 999, lower than 1000 of the older snapshot x"},
               {1001, 49, "holds 49 keys, under half of the 100 of the older snapshot x"},
               {3, 0, "lower than"}};
  SnapshotFacts older;
  older.revision = 1000;
  older.live_keys = 100;
  for (const auto& one : cases) {
    SnapshotFacts facts;
    facts.revision = one.revision;
    facts.live_keys = one.keys;
    const Status whole = LooksWhole(facts, older, "x");
    EXPECT_THAT(whole ? "" : whole.error().message, HasSubstr(one.said));
    EXPECT_EQ(whole.has_value(), std::string(one.said).empty());
    if (!whole) {
      EXPECT_EQ(whole.error().reason, "SnapshotSuspicious");
    }
  }
}

TEST_F(SnapshotChoiceTest, GoesToTheNextSource) {
  second.objects["snap"] = {good, {}};
  bucket.list_error = Transient("Unavailable", "503");
  const auto choice = Choose();
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->snapshot.source, "second");
  EXPECT_THAT(choice->notes, Contains(HasSubstr("503")));
}

TEST_F(SnapshotChoiceTest, LooksBehindThePrefixOnly) {
  prefix = "prod/";
  Add("prod/snap", good);
  Add("other/snap2", good);
  EXPECT_EQ(Chosen(), "snap");
}

TEST_F(SnapshotChoiceTest, NothingFoundListsWhatIsThere) {
  Named("typo");
  for (const char* name : {"2026-11-22T02:00:00Z_etcd", "2026-11-22T03:00:00Z_etcd",
                           "2026-11-21T03:00:00Z_etcd", "2026-11-20T03:00:00Z_etcd"})
    Add(name, good);
  Add("pki.bundle.tar.gz", good);
  const auto choice = Choose();
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().reason, "SnapshotNotFound");
  EXPECT_EQ(choice.error().message,
            "no snapshot called typo was found in any source; first holds 4, the newest "
            "2026-11-22T03:00:00Z_etcd (3 h 0 min ago), 2026-11-22T02:00:00Z_etcd (4 h 0 min ago), "
            "2026-11-21T03:00:00Z_etcd (1 d 3 h ago); second holds nothing");
  bucket.list_error = Terminal("AccessDenied", "403");
  const auto refused = Choose();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "AccessDenied");
  EXPECT_THAT(
      refused.error().message,
      AllOf(HasSubstr("first: 403"), HasSubstr("first did not tell; second holds nothing")));
}

TEST_F(SnapshotChoiceTest, WhatIsRefusedLeavesTheChosenFileAlone) {
  Add("snap", good);
  ASSERT_EQ(Chosen(), "snap");
  bucket.objects.clear();
  Add("snap", damaged);
  EXPECT_EQ(Chosen(), "SnapshotCorrupt");
  EXPECT_EQ(ReadFile(folder + "/snapshot.db").value_or(""), good);
}

}  // namespace
}  // namespace etcdrestore
