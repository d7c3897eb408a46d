#include <gtest/gtest.h>

#include "operator/base/sha256.h"
#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

class GoldenSnapshot : public ::testing::TestWithParam<const char*> {
 protected:
  const nlohmann::json expected_ = GoldenFacts(GetParam());
  const Result<SnapshotFacts> read_ = ReadBytes(Golden(GetParam()));
};

TEST_P(GoldenSnapshot, SaysWhatEtcdutlSays) {
  ASSERT_TRUE(read_) << read_.error().message;
  const auto& status = expected_["status"];
  EXPECT_EQ(read_->status_hash, status["hash"].get<std::uint32_t>());
  EXPECT_EQ(read_->status_total_keys, status["totalKey"].get<std::uint64_t>());
  EXPECT_EQ(read_->revision, status["revision"].get<std::int64_t>());
  EXPECT_EQ(read_->size_bytes, status["totalSize"].get<std::uint64_t>() + 32);
}

TEST_P(GoldenSnapshot, HasTheDigestOfTheWholeFile) {
  ASSERT_TRUE(read_) << read_.error().message;
  EXPECT_EQ(read_->sha256, expected_["sha256"].get<std::string>());
}

TEST_P(GoldenSnapshot, CountsTheKeysThatTheLiveEtcdServed) {
  ASSERT_TRUE(read_) << read_.error().message;
  EXPECT_EQ(read_->live_keys, expected_["liveKeys"].get<std::uint64_t>());
  EXPECT_EQ(nlohmann::json(read_->live_by_resource), expected_["liveByResource"]);
}

TEST_P(GoldenSnapshot, KnowsCompactionCaAndEncryptionKeys) {
  ASSERT_TRUE(read_) << read_.error().message;
  if (expected_.contains("compactRevision")) {
    EXPECT_EQ(read_->compact_revision, expected_["compactRevision"].get<std::int64_t>());
    EXPECT_EQ(read_->scheduled_compact_revision, read_->compact_revision);
  }
  if (expected_.contains("rootCa")) {
    EXPECT_EQ(read_->kube_root_ca, expected_["rootCa"].get<std::string>());
  }
  const auto keys = expected_.value("encryptionKeys", std::vector<std::string>());
  EXPECT_EQ(read_->encryption_keys, keys);
}

INSTANTIATE_TEST_SUITE_P(Real, GoldenSnapshot,
                         ::testing::Values("empty", "history", "bumped", "kube"),
                         [](const auto& param) { return std::string(param.param); });

TEST(Snapshot, OfARealApiServerHasKubeSystem) {
  const auto facts = ReadBytes(Golden("kube"));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_TRUE(facts->has_kube_system);
  EXPECT_EQ(facts->kube_namespaces_prefix, "/registry/");
  EXPECT_GT(facts->consistent_index, 0U);
}

TEST(Snapshot, OfAnEmptyClusterIsSoundAndSaysSo) {
  const auto facts = ReadBytes(Golden("empty"));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->total_keys, 0U);
  EXPECT_FALSE(facts->has_kube_system);
  EXPECT_EQ(facts->kube_root_ca, "");
}

TEST(Snapshot, CountsRevisionsOfTheKeyBucketApartFromOtherBuckets) {
  const auto facts = ReadBytes(Golden("history"));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_GT(facts->total_keys, facts->live_keys);
  EXPECT_LT(facts->total_keys, facts->status_total_keys);
}

TEST(Snapshot, AfterARestoreWithBumpedRevisionIsSound) {
  const auto facts = ReadBytes(Golden("bumped"));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_GT(facts->revision, 1000000000);
  EXPECT_GE(facts->scheduled_compact_revision, 1000000000);
}

TEST(Snapshot, OpensWithOneDamagedMetaPageButNotWithTwo) {
  const std::string good = WithoutTrailer(Golden("kube"));
  for (const std::size_t meta : {0U, 4096U}) {
    SCOPED_TRACE(meta);
    std::string damaged = good;
    damaged[meta + 40] = static_cast<char>(damaged[meta + 40] ^ 1);
    const auto facts = ReadBytes(WithTrailer(damaged));
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->revision, GoldenFacts("kube")["status"]["revision"].get<std::int64_t>());
  }
  std::string damaged = good;
  damaged[16] = damaged[4096 + 16] = 0;
  const auto facts = ReadBytes(WithTrailer(damaged));
  EXPECT_EQ(ReasonOf(facts), "SnapshotDamaged");
}

TEST(Snapshot, ReadingStopsOnRequestAndOnDeadline) {
  const TempFolder folder;
  const std::string path = folder.Write("snapshot", Golden("kube"));
  std::stop_source stop;
  stop.request_stop();
  Call stopped;
  stopped.stop = stop.get_token();
  EXPECT_EQ(ReasonOf(ReadSnapshot(stopped, path)), "Interrupted");
  Call late;
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(ReasonOf(ReadSnapshot(late, path)), "DeadlineExceeded");
}

}  // namespace
}  // namespace etcdrestore
