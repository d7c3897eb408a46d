#include "operator/runtime/own_writes.h"

#include <gtest/gtest.h>

#include "operator/runtime/object_cache.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

const KubeName kName{"a", "one"};

TEST(Versions, AreComparedAsNumbersOfAnyLength) {
  EXPECT_EQ(CompareVersions("9", "10"), -1);
  EXPECT_EQ(CompareVersions("10", "9"), 1);
  EXPECT_EQ(CompareVersions("12", "13"), -1);
  EXPECT_EQ(CompareVersions("13", "13"), 0);
  EXPECT_EQ(CompareVersions("99999999999999999999999", "100000000000000000000000"), -1);
  EXPECT_EQ(CompareVersions("abc", "abc"), 0);
  EXPECT_EQ(CompareVersions("abc", "13"), std::nullopt);
  EXPECT_EQ(CompareVersions("013", "14"), std::nullopt);
}

class OwnWritesTest : public testing::Test {
 protected:
  KubeObject Write(const std::string& value) {
    const auto wrote =
        writes.Write({}, {KubeVerb::kApply, kEtcdRestores, kName, "",
                          KubeObject{{"metadata", {{"name", "one"}}}, {"spec", {{"v", value}}}}});
    EXPECT_TRUE(wrote);
    return *wrote;
  }
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  fakes::FakeKube api;
  OwnWrites writes{api, kEtcdRestores, clock};
  KubeObject before =
      api.Put(kEtcdRestores, KubeObject{{"metadata", {{"namespace", "a"}, {"name", "one"}}}});
};

TEST_F(OwnWritesTest, AnObjectThatWeNeverWroteIsAsItIs) { EXPECT_TRUE(writes.SeenIn(before)); }

TEST_F(OwnWritesTest, AnObjectIsOldUntilTheCacheHasOurLastWrite) {
  const KubeObject first = Write("1");
  const KubeObject second = Write("2");
  EXPECT_FALSE(writes.SeenIn(before));
  EXPECT_FALSE(writes.SeenIn(first));
  EXPECT_TRUE(writes.SeenIn(second));
  EXPECT_TRUE(writes.SeenIn(before)) << "waited for once";
}

TEST_F(OwnWritesTest, WhatOthersWroteAfterwardsIsNewEnough) {
  (void)Write("1");
  KubeObject later = before;
  later["metadata"]["resourceVersion"] = "1000";
  EXPECT_TRUE(writes.SeenIn(later));
}

TEST_F(OwnWritesTest, AnObjectMadeAnewIsAnother) {
  (void)Write("1");
  KubeObject anew = before;
  anew["metadata"]["uid"] = "another";
  EXPECT_TRUE(writes.SeenIn(anew));
}

TEST_F(OwnWritesTest, AServerThatWasPutBackToItsPastIsNotWaitedForForEver) {
  (void)Write("1");
  EXPECT_FALSE(writes.SeenIn(before));
  clock.Advance(59s);
  EXPECT_FALSE(writes.SeenIn(before));
  clock.Advance(2s);
  EXPECT_TRUE(writes.SeenIn(before));
}

TEST_F(OwnWritesTest, AWriteThatFailedIsWaitedForByNobody) {
  api.refuse = [](const std::string&, const KubeType&, const KubeName&) {
    return std::optional(Transient("Conflict", ""));
  };
  EXPECT_FALSE(writes.Write({}, {KubeVerb::kMerge, kEtcdRestores, kName, "", KubeObject()}));
  EXPECT_TRUE(writes.SeenIn(before));
}

}  // namespace
}  // namespace etcdrestore
