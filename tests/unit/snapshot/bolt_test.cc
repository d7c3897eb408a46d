#include "operator/snapshot/bolt.h"

#include <gtest/gtest.h>

#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

/// All buckets and entries in the order of the walk, "[name]" and "key=value".
Result<std::vector<std::string>> Walk(const std::string& file, const Call& call = {}) {
  const auto meta = ReadBoltMeta(file);
  if (!meta) return meta.error();
  std::vector<std::string> seen;
  const auto walked = WalkBolt(call, file, *meta,
                               {.bucket =
                                    [&](std::string_view name) {
                                      seen.push_back("[" + std::string(name) + "]");
                                      return Status();
                                    },
                                .entry =
                                    [&](std::string_view key, std::string_view value) {
                                      seen.push_back(std::string(key) + "=" + std::string(value));
                                      return Status();
                                    }});
  if (!walked) return walked.error();
  return seen;
}

std::string MessageOf(const BoltImage& image) {
  const auto walked = Walk(image.bytes());
  if (walked) return "";
  EXPECT_EQ(walked.error().reason, "SnapshotDamaged");
  return walked.error().message;
}

/// Page 2: the buckets; 3: a branch over the leaves 4 and 5; 6: free.
BoltImage Sound(std::uint32_t page_size = 4096) {
  return BoltImage(8, page_size)
      .Meta(2)
      .Leaf(2, {{"inline", InlineBucket({{"x", "1"}}), true}, {"tree", BucketAt(3), true}})
      .Branch(3, {{"a", 4}, {"m", 5}})
      .Leaf(4, {{"a", "1"}, {"b", ""}})
      .Leaf(5, {{"m", "2"}, {"z", "3"}});
}

TEST(Bolt, WalksBucketsAndKeysInOrderWhateverThePageSize) {
  for (const std::uint32_t page_size : {1024U, 4096U, 16384U, 65536U}) {
    SCOPED_TRACE(page_size);
    const auto walked = Walk(Sound(page_size).bytes());
    ASSERT_TRUE(walked) << walked.error().message;
    EXPECT_EQ(*walked,
              (std::vector<std::string>{"[inline]", "x=1", "[tree]", "a=1", "b=", "m=2", "z=3"}));
  }
}

TEST(Bolt, ReadsElementsThatReachIntoOverflowPages) {
  const std::string large(9000, 'v');
  const auto image = BoltImage(8)
                         .Meta(2)
                         .Leaf(2, {{"b", BucketAt(3), true}})
                         .Leaf(3, {{"k", large}, {"l", "end"}}, 2);
  const auto walked = Walk(image.bytes());
  ASSERT_TRUE(walked) << walked.error().message;
  EXPECT_EQ(*walked, (std::vector<std::string>{"[b]", "k=" + large, "l=end"}));
}

TEST(Bolt, UsesTheNewerValidMetaPage) {
  auto image = Sound();
  EXPECT_EQ(ReadBoltMeta(image.bytes())->txid, 10U);
  image.Poke(1, 64, std::uint64_t{11}).SealMeta(1);
  EXPECT_EQ(ReadBoltMeta(image.bytes())->txid, 11U);
  image.Poke(1, 72, std::uint64_t{0});
  EXPECT_EQ(ReadBoltMeta(image.bytes())->txid, 10U);
}

TEST(Bolt, FindsTheSecondMetaPageOfAnyPageSizeWithoutTheFirst) {
  for (const std::uint32_t page_size : {1024U, 4096U, 65536U}) {
    SCOPED_TRACE(page_size);
    const auto meta = ReadBoltMeta(Sound(page_size).Poke(0, 16, 0U).bytes());
    ASSERT_TRUE(meta) << meta.error().message;
    EXPECT_EQ(meta->page_size, page_size);
    EXPECT_EQ(meta->txid, 9U);
  }
}

struct MetaCase {
  const char* name;
  std::size_t offset;
  std::uint64_t value;
  int width;
  const char* message_has;
};

TEST(Bolt, RefusesMetaPagesThatDoNotFitTheFile) {
  for (const auto& [name, offset, value, width, message_has] : std::vector<MetaCase>{
           {"magic", 16, 1, 4, "meta pages"},
           {"version", 20, 1, 4, "meta pages"},
           {"page size 0", 24, 0, 4, "meta pages"},
           {"page size 4095", 24, 4095, 4, "meta pages"},
           {"page size 512", 24, 512, 4, "meta pages"},
           {"page size 2 GiB", 24, 1U << 31U, 4, "meta pages"},
           {"root 1", 32, 1, 8, "root page 1"},
           {"root beyond", 32, 8, 8, "root page 8"},
           {"root all ones", 32, ~0ULL, 8, "root page"},
           {"high water beyond the file", 56, 9, 8, "has 9 pages"},
           {"high water that overflows", 56, 1ULL << 52U, 8, "pages"},
       }) {
    SCOPED_TRACE(name);
    auto image = Sound();
    for (const std::uint64_t meta : {0U, 1U}) {
      if (width == 4) image.Poke(meta, offset, static_cast<std::uint32_t>(value));
      if (width == 8) image.Poke(meta, offset, value);
      image.SealMeta(meta);
    }
    EXPECT_NE(MessageOf(image).find(message_has), std::string::npos) << MessageOf(image);
  }
  EXPECT_FALSE(ReadBoltMeta(""));
  EXPECT_FALSE(ReadBoltMeta(Sound().bytes().substr(0, 79)));
}

struct Damage {
  const char* name;
  BoltImage image;
  const char* message_has;
};

TEST(Bolt, RefusesPagesThatAreNotATree) {
  const auto cases = std::vector<Damage>{
      {"loop to itself", Sound().Branch(3, {{"a", 3}, {"m", 5}}), "page 3 is used twice"},
      {"loop to the root", Sound().Branch(3, {{"a", 4}, {"m", 2}}), "page 2 is used twice"},
      {"one leaf twice", Sound().Branch(3, {{"a", 4}, {"m", 4}}), "page 4 is used twice"},
      {"two buckets share a page",
       Sound().Leaf(2, {{"a", BucketAt(4), true}, {"b", BucketAt(4), true}}), "used twice"},
      {"a meta page in the tree", Sound().Branch(3, {{"a", 4}, {"m", 1}}), "page 1 is used twice"},
      {"child outside", Sound().Branch(3, {{"a", 4}, {"m", 8}}), "page 8 is outside"},
      {"child far outside", Sound().Branch(3, {{"a", 4}, {"m", ~0ULL}}), "is outside"},
      {"bucket outside", Sound().Leaf(2, {{"b", BucketAt(99), true}}), "page 99 is outside"},
      {"page with another id", Sound().Poke(5, 0, std::uint64_t{4}), "page 5 calls itself page 4"},
      {"two kinds at once", Sound().Poke(5, 8, std::uint16_t{3}), "unknown kind"},
      {"no kind", Sound().Poke(5, 8, std::uint16_t{0}), "unknown kind"},
      {"freelist in the tree", Sound().Poke(5, 8, std::uint16_t{16}), "neither branch nor leaf"},
      {"overflow beyond the end", Sound().Poke(5, 12, 3U), "beyond the end"},
      {"largest overflow", Sound().Poke(5, 12, ~0U), "beyond the end"},
      {"overflow over another page", Sound().Poke(4, 12, 1U), "page 5 is used twice"},
      {"empty branch", Sound().Branch(3, {}), "branch page 3 is empty"},
      {"entry outside of buckets", Sound().Leaf(2, {{"b", "value"}}), "outside of any bucket"},
      {"bucket in a bucket", Sound().Leaf(5, {{"m", BucketAt(6), true}}), "bucket inside a bucket"},
      {"bucket header cut off", Sound().Leaf(2, {{"b", "short", true}}), "cut off"},
      {"inline page cut off", Sound().Leaf(2, {{"b", BucketAt(0), true}}), "does not fit"},
  };
  for (const auto& [name, image, message_has] : cases) {
    SCOPED_TRACE(name);
    EXPECT_NE(MessageOf(image).find(message_has), std::string::npos) << MessageOf(image);
  }
}

TEST(Bolt, RefusesTreesThatAreTooDeep) {
  BoltImage image(80);
  image.Meta(2).Leaf(2, {{"b", BucketAt(3), true}});
  for (std::uint64_t id = 3; id < 79; ++id) image.Branch(id, {{"a", id + 1}});
  image.Leaf(79, {{"a", "1"}});
  EXPECT_NE(MessageOf(image).find("too deep"), std::string::npos);
}

TEST(Bolt, RefusesElementsOutsideTheirPageOrOnTopOfEachOther) {
  // The elements of leaf 5 are at 16 and 32: flags, position, key size, value size.
  const auto cases = std::vector<Damage>{
      {"more elements than fit", Sound().Poke(5, 10, std::uint16_t{0xFFFF}), "element table"},
      {"position beyond the page", Sound().Poke(5, 20, 5000U), "element 0 of page 5"},
      {"largest position", Sound().Poke(5, 20, ~0U), "element 0 of page 5"},
      {"position inside the table", Sound().Poke(5, 20, 4U), "element 0 of page 5"},
      {"largest key", Sound().Poke(5, 24, ~0U), "element 0 of page 5"},
      {"largest value", Sound().Poke(5, 28, ~0U), "element 0 of page 5"},
      {"no key", Sound().Poke(5, 24, 0U), "element 0 of page 5"},
      {"on top of the one before", Sound().Poke(5, 36, 16U), "element 1 of page 5"},
      {"branch key beyond", Sound().Poke(3, 20, 5000U), "element 0 of page 3"},
      {"second branch key beyond", Sound().Poke(3, 36, ~0U), "element 1 of page 3"},
  };
  for (const auto& [name, image, message_has] : cases) {
    SCOPED_TRACE(name);
    EXPECT_NE(MessageOf(image).find(message_has), std::string::npos) << MessageOf(image);
  }
}

TEST(Bolt, RefusesKeysOutOfOrderOrOutOfTheirParentsBounds) {
  const auto cases = std::vector<Damage>{
      {"descending in a leaf", Sound().Leaf(4, {{"b", ""}, {"a", ""}}), "page 4"},
      {"twice in a leaf", Sound().Leaf(4, {{"a", ""}, {"a", ""}}), "page 4"},
      {"below the parent's key", Sound().Leaf(5, {{"l", ""}}), "page 5"},
      {"at the next parent key", Sound().Leaf(4, {{"m", ""}}), "page 4"},
      {"descending in a branch", Sound().Branch(3, {{"m", 5}, {"a", 4}}), "page"},
      {"descending buckets", Sound().Leaf(2, {{"b", BucketAt(4), true}, {"a", BucketAt(5), true}}),
       "page 2"},
  };
  for (const auto& [name, image, message_has] : cases) {
    SCOPED_TRACE(name);
    EXPECT_NE(MessageOf(image).find("out of order"), std::string::npos) << MessageOf(image);
    EXPECT_NE(MessageOf(image).find(message_has), std::string::npos) << MessageOf(image);
  }
}

TEST(Bolt, ChecksTheListOfFreePagesWhenThereIsOne) {
  EXPECT_EQ(MessageOf(Sound().Meta(2, 7).Freelist(7, {6})), "");
  const auto cases = std::vector<Damage>{
      {"a used page is free", Sound().Meta(2, 7).Freelist(7, {6, 5}), "page 5 is both"},
      {"the list itself is free", Sound().Meta(2, 7).Freelist(7, {7}), "page 7 is both"},
      {"free page outside", Sound().Meta(2, 7).Freelist(7, {8}), "free page 8 is outside"},
      {"a meta page is free", Sound().Meta(2, 7).Freelist(7, {1}), "free page 1 is outside"},
      {"not a list", Sound().Meta(2, 5), "page 5 is not the list"},
      {"list outside", Sound().Meta(2, 8), "page 8 is outside"},
      {"longer than the page", Sound().Meta(2, 7).Freelist(7, {}).Poke(7, 10, std::uint16_t{600}),
       "longer"},
      {"long form, longer than the page",
       Sound().Meta(2, 7).Freelist(7, {~0ULL}).Poke(7, 10, std::uint16_t{0xFFFF}), "longer"},
  };
  for (const auto& [name, image, message_has] : cases) {
    SCOPED_TRACE(name);
    EXPECT_NE(MessageOf(image).find(message_has), std::string::npos) << MessageOf(image);
  }
  const auto long_form = Sound().Meta(2, 7).Freelist(7, {1, 5}).Poke(7, 10, std::uint16_t{0xFFFF});
  EXPECT_NE(MessageOf(long_form).find("page 5 is both"), std::string::npos);
}

TEST(Bolt, HandsOnTheVisitorsErrorAndStops) {
  const std::string file = Sound().bytes();
  const auto meta = ReadBoltMeta(file);
  ASSERT_TRUE(meta);
  int entries = 0;
  const auto walked = WalkBolt({}, file, *meta,
                               {.bucket = [](std::string_view) { return Status(); },
                                .entry = [&](std::string_view, std::string_view) -> Status {
                                  ++entries;
                                  return Terminal("Enough", "");
                                }});
  EXPECT_EQ(ReasonOf(walked), "Enough");
  EXPECT_EQ(entries, 1);
}

TEST(Bolt, StopsOnRequestInTheMiddleOfTheWalk) {
  std::vector<std::pair<std::string, std::uint64_t>> children;
  for (std::uint64_t id = 4; id < 300; ++id)
    children.emplace_back(Revision(static_cast<std::int64_t>(id)), id);
  BoltImage image = BoltImage(600, 16384).Meta(2).Leaf(2, {{"b", BucketAt(3), true}});
  image.Branch(3, children);
  for (const auto& [key, id] : children) image.Leaf(id, {{key, ""}});
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  EXPECT_TRUE(Walk(image.bytes(), call));
  stop.request_stop();
  EXPECT_EQ(ReasonOf(Walk(image.bytes(), call)), "Interrupted");
}

}  // namespace
}  // namespace etcdrestore
