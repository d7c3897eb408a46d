#include "operator/runtime/object_cache.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

KubeObject Object(const std::string& name, const std::string& uid, const std::string& version) {
  return {{"metadata",
           {{"namespace", "a"},
            {"name", name},
            {"uid", uid},
            {"resourceVersion", version},
            {"managedFields", {1, 2}}}}};
}

TEST(ObjectCache, KeepsNoManagedFields) {
  ObjectCache cache;
  cache.Upsert(Object("x", "1", "1"));
  EXPECT_FALSE((*cache.Find({"a", "x"}))["metadata"].contains("managedFields"));
}

TEST(ObjectCache, AChangeTellsWhatWasAndWhatIs) {
  ObjectCache cache;
  KubeObject object = Object("x", "1", "1");
  object["spec"] = {{"text", "ü\n\"q\""}, {"number", 7}, {"list", {1.5, nullptr, true}}};
  cache.Upsert(object);
  const auto changes = cache.Upsert(Object("x", "1", "2"));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ((*changes[0].before)["spec"], object["spec"]);
  EXPECT_EQ(MetaOf(*changes[0].now, "resourceVersion"), "2");
  EXPECT_EQ(MetaOf(*cache.Find({"a", "x"}), "resourceVersion"), "2");
}

TEST(ObjectCache, AnotherUidIsADeletionAndAnAddition) {
  ObjectCache cache;
  cache.Upsert(Object("x", "1", "1"));
  const auto changes = cache.Upsert(Object("x", "2", "5"));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].now, nullptr);
  EXPECT_EQ(changes[1].before, nullptr);
}

TEST(ObjectCache, AListRemovesWhatItDoesNotHoldAndKeepsWhatIsEqual) {
  ObjectCache cache;
  cache.Upsert(Object("gone", "1", "1"));
  cache.Upsert(Object("same", "2", "2"));
  cache.Upsert(Object("newer", "3", "3"));
  const CachedObject same = cache.Find({"a", "same"});
  EXPECT_TRUE(cache.ListItem(Object("same", "2", "2")).empty());
  EXPECT_EQ(cache.ListItem(Object("newer", "3", "9")).size(), 1U);
  const auto gone = cache.ListEnd();
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].name.name, "gone");
  EXPECT_EQ(*cache.Find({"a", "same"}), *same);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(ObjectCache, ABrokenListTakesNothingForGone) {
  ObjectCache cache;
  cache.Upsert(Object("x", "1", "1"));
  cache.ListItem(Object("y", "2", "2"));
  cache.ListBroken();
  cache.ListItem(Object("x", "1", "1"));
  cache.ListItem(Object("y", "2", "2"));
  EXPECT_TRUE(cache.ListEnd().empty());
  EXPECT_EQ(cache.size(), 2U);
}

}  // namespace
}  // namespace etcdrestore
