#include <gtest/gtest.h>

#include "operator/base/sha256.h"
#include "operator/snapshot/crc32c.h"
#include "operator/snapshot/mvcc.h"
#include "operator/snapshot/wire.h"
#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

TEST(Crc32c, HasTheKnownCheckValuesInBothForms) {
  for (const auto& [text, crc] :
       std::vector<std::pair<std::string, std::uint32_t>>{{"", 0},
                                                          {"a", 0xC1D04330},
                                                          {"123456789", 0xE3069283},
                                                          {std::string(32, '\0'), 0x8A9136AA},
                                                          {std::string(32, '\xFF'), 0x62A8AB43}}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(Crc32c(0, text), crc);
    EXPECT_EQ(Crc32cPortable(0, text), crc);
  }
}

TEST(Crc32c, GoesOnWhereItStoppedWhateverTheCut) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SCOPED_TRACE(cut);
    EXPECT_EQ(Crc32c(Crc32c(0, text.substr(0, cut)), text.substr(cut)), Crc32c(0, text));
    EXPECT_EQ(Crc32cPortable(0, text.substr(cut)), Crc32c(0, text.substr(cut)));
  }
}

TEST(Sha256, TellsTheDigestSoFarAndGoesOn) {
  Sha256 hash;
  hash.Update("ab");
  EXPECT_EQ(hash.Current(), Sha256Of("ab"));
  hash.Update("c");
  EXPECT_EQ(hash.Current(), Sha256Of("abc"));
  EXPECT_EQ(hash.Finish(), Sha256Of("abc"));
}

TEST(WireReader, ReadsEveryKindOfField) {
  const std::string message = WireText(1, "text") + "\x10\x96\x01" + "\x19" +
                              std::string("\1\0\0\0\0\0\0\0", 8) + "\x25" +
                              std::string("\2\0\0\0", 4);
  WireReader reader(message);
  auto field = reader.Next();
  ASSERT_TRUE(field);
  EXPECT_EQ(field->bytes, "text");
  const std::vector<std::pair<std::uint32_t, std::uint64_t>> numbers = {{2, 150}, {3, 1}, {4, 2}};
  for (const auto& [tag, value] : numbers) {
    field = reader.Next();
    ASSERT_TRUE(field);
    EXPECT_EQ(field->tag, tag);
    EXPECT_EQ(field->value, value);
    EXPECT_FALSE(field->is_bytes);
  }
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, StopsForGoodAtAnythingMalformed) {
  for (const auto& [name, message] : std::vector<std::pair<const char*, std::string>>{
           {"varint cut off", "\x08\x80"},
           {"varint of 11 bytes", "\x08" + std::string(10, '\x80') + "\x01"},
           {"varint beyond 64 bits", "\x08" + std::string(9, '\xFF') + "\x02"},
           {"length beyond the end", std::string("\x0A\x05") + "four"},
           {"largest length", "\x0A" + std::string(9, '\xFF') + "\x01"},
           {"length missing", "\x0A"},
           {"fixed64 cut off", "\x09" + std::string(7, 'x')},
           {"fixed32 cut off", "\x0D" + std::string(3, 'x')},
           {"group", "\x0B"},
           {"end of group", "\x0C"},
           {"unknown type", "\x0E"},
           {"tag 0", std::string("\x02\x00", 2)},
           {"tag too large", "\xF8\xFF\xFF\xFF\xFF\xFF\x01\x01"}}) {
    SCOPED_TRACE(name);
    WireReader reader(message);
    EXPECT_FALSE(reader.Next());
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.Next());
    EXPECT_FALSE(WireBytes(message, 1));
  }
}

TEST(WireReader, TakesTheLargestVarint) {
  const std::string message = "\x08" + std::string(9, '\xFF') + "\x01";
  WireReader reader(message);
  EXPECT_EQ(reader.Next()->value, ~0ULL);
}

TEST(WireBytes, TakesTheLastOfSeveral) {
  EXPECT_EQ(WireBytes(WireText(1, "a") + WireText(2, "x") + WireText(1, "b"), 1), "b");
  EXPECT_EQ(WireBytes(WireText(2, "x"), 1), std::nullopt);
  EXPECT_EQ(WireBytes(WireText(1, "a") + "\xFF", 1), std::nullopt);
}

TEST(KeySpace, KeepsTheLastWriteOfEachKey) {
  // Views stay with the file, so the records have to outlive the key space.
  const std::vector<std::pair<std::string, std::string>> entries = {
      {Revision(2), KeyValue("/a", "old")},   {Revision(3), KeyValue("/b", "b")},
      {Revision(4), KeyValue("/a", "new")},   {Revision(5, 0, true), KeyValue("/b", "")},
      {Revision(5, 1), KeyValue("/c", "c")},  {Revision(6, 0, true), KeyValue("/c", "")},
      {Revision(7), KeyValue("/c", "again")}, {Revision(8, 0, true), KeyValue("/never", "")}};
  KeySpace keys;
  for (const auto& [key, value] : entries) ASSERT_TRUE(keys.Add(key, value));
  EXPECT_EQ(keys.revision(), 8);
  EXPECT_EQ(keys.entries(), 8U);
  EXPECT_EQ(keys.live(), (std::unordered_map<std::string_view, std::string_view>{{"/a", "new"},
                                                                                 {"/c", "again"}}));
}

TEST(KeySpace, TakesTheEmptyRecordOfABumpedRevision) {
  KeySpace keys;
  EXPECT_TRUE(keys.Add(Revision(1000000052), ""));
  EXPECT_EQ(keys.revision(), 1000000052);
  EXPECT_TRUE(keys.live().empty());
}

TEST(KeySpace, RefusesWhatIsNoRevisionOrNoRecord) {
  std::string no_underscore = Revision(1);
  no_underscore[8] = '-';
  for (const auto& [name, key, value] :
       std::vector<std::tuple<const char*, std::string, std::string>>{
           {"short key", Revision(1).substr(0, 16), KeyValue("/a", "")},
           {"long key", Revision(1, 0, true) + "t", KeyValue("/a", "")},
           {"18 bytes without t", Revision(1) + "x", KeyValue("/a", "")},
           {"no underscore", no_underscore, KeyValue("/a", "")},
           {"negative", Revision(-1), KeyValue("/a", "")},
           {"record cut off", Revision(1), KeyValue("/a", "value").substr(0, 8)}}) {
    SCOPED_TRACE(name);
    KeySpace keys;
    EXPECT_EQ(ReasonOf(keys.Add(key, value)), "SnapshotDamaged");
    EXPECT_EQ(keys.entries(), 0U);
  }
}

TEST(KeySpace, AMissingBucketOrABadCompactionRecordIsDamage) {
  const auto with = [](const std::vector<BoltEntry>& buckets) {
    return ReadBytes(WithTrailer(BoltImage(3).Meta(2).Leaf(2, buckets).bytes()));
  };
  const BoltEntry keys = {"key", InlineBucket({{Revision(3), KeyValue("/a", "1")}}), true};
  EXPECT_TRUE(with({keys}));
  EXPECT_EQ(ReasonOf(with({})), "SnapshotDamaged");
  EXPECT_EQ(ReasonOf(with({keys, {"meta", InlineBucket({{"finishedCompactRev", "x"}}), true}})),
            "SnapshotDamaged");
  const auto facts = with({keys,
                           {"meta",
                            InlineBucket({{"consistent_index", std::string("\0\0\0\0\0\0\1\2", 8)},
                                          {"finishedCompactRev", Revision(2)},
                                          {"scheduledCompactRev", Revision(3)}}),
                            true}});
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->compact_revision, 2);
  EXPECT_EQ(facts->scheduled_compact_revision, 3);
  EXPECT_EQ(facts->consistent_index, 258U);
  EXPECT_EQ(facts->total_keys, 1U);
  EXPECT_EQ(facts->status_total_keys, 4U);
}

}  // namespace
}  // namespace etcdrestore
