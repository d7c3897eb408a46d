#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

using Random = std::mt19937_64;
constexpr std::size_t kPage = 4096;

/// Damages `database` in one of the ways disks, people and attackers do. Headers and element tables
/// are preferred: that is where a reader goes wrong.
void Damage(std::string& database, Random& random) {
  const std::size_t pages = database.size() / kPage;
  const std::size_t page = random() % pages * kPage;
  const auto byte = [&] { return static_cast<char>(random()); };
  switch (random() % 7) {
    case 0:
      database[random() % database.size()] ^= static_cast<char>(1U << random() % 8);
      break;
    case 1:
      database[page + random() % 16] = byte();
      break;
    case 2:
      database[page + 16 + random() % 256] = byte();
      break;
    case 3:
      for (std::size_t i = 0; i < kPage; ++i) database[page + i] = byte();
      break;
    case 4:
      database.replace(page, kPage, database.substr(random() % pages * kPage, kPage));
      break;
    case 5:
      database.replace(page, kPage, std::string(kPage, random() % 2 == 0 ? '\0' : '\xFF'));
      break;
    default:
      database[page + 16 + random() % (kPage - 16)] = byte();
  }
}

/// Half of the damaged files end early, at a multiple of 512 as the size check wants it.
std::string Damaged(const std::string& good, Random& random) {
  std::string database = good;
  for (std::uint64_t times = 1 + random() % 3; times > 0; --times) Damage(database, random);
  if (random() % 4 == 0) database.resize((1 + random() % (database.size() / 512)) * 512);
  return database;
}

class HostileSnapshot : public ::testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(HostileSnapshot, IsReadOrRefusedWithAReason) {
  const auto [name, rounds] = GetParam();
  const std::string good = WithoutTrailer(Golden(name));
  const std::set<std::string> reasons = {"", "SnapshotDamaged", "SnapshotIsHtml", "SnapshotIsZip"};
  int refused = 0;
  for (int seed = 0; seed < rounds; ++seed) {
    SCOPED_TRACE(::testing::Message() << name << ", seed " << seed);
    Random random(static_cast<std::uint64_t>(seed));
    const auto reason = ReasonOf(ReadBytes(WithTrailer(Damaged(good, random))));
    EXPECT_TRUE(reasons.contains(reason)) << reason;
    refused += reason.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, rounds / 4) << "the damage no longer reaches the checks";
}

INSTANTIATE_TEST_SUITE_P(Golden, HostileSnapshot,
                         ::testing::Values(std::pair{"empty", 1500}, std::pair{"kube", 800},
                                           std::pair{"history", 60}),
                         [](const auto& param) { return std::string(param.param.first); });

}  // namespace
}  // namespace etcdrestore
