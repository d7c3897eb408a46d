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

/// A server that may give an old answer, and during it something may happen.
class OddKube final : public ForwardingKube {
 public:
  using ForwardingKube::ForwardingKube;
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    if (during) std::exchange(during, {})();
    if (answer) return *answer;
    return ForwardingKube::Get(call, type, name);
  }
  std::optional<KubeObject> answer;
  std::function<void()> during;
};

class OwnWritesTest : public testing::Test {
 protected:
  KubeObject Write(const std::string& value) {
    const auto wrote =
        writes.Write({}, {KubeVerb::kApply, kEtcdRestores, kName, "",
                          KubeObject{{"metadata", {{"name", "one"}}}, {"spec", {{"v", value}}}}});
    EXPECT_TRUE(wrote);
    return *wrote;
  }
  /// Not waited for.
  bool SeenIn(const KubeObject& cached) { return writes.Of(cached) != Freshness::kNotYet; }
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  fakes::FakeKube fake;
  OddKube api{fake};
  OwnWrites writes{api, kEtcdRestores, clock};
  KubeObject before =
      fake.Put(kEtcdRestores, KubeObject{{"metadata", {{"namespace", "a"}, {"name", "one"}}}});
};

TEST_F(OwnWritesTest, AnObjectThatWeNeverWroteIsAsItIs) { EXPECT_TRUE(SeenIn(before)); }

TEST_F(OwnWritesTest, AnObjectIsOldUntilTheCacheHasOurLastWrite) {
  const KubeObject first = Write("1");
  const KubeObject second = Write("2");
  EXPECT_FALSE(SeenIn(before));
  EXPECT_FALSE(SeenIn(first));
  EXPECT_TRUE(SeenIn(second));
  EXPECT_TRUE(SeenIn(before)) << "waited for once";
}

TEST_F(OwnWritesTest, WhatOthersWroteAfterwardsIsNewEnough) {
  (void)Write("1");
  KubeObject later = before;
  later["metadata"]["resourceVersion"] = "1000";
  EXPECT_TRUE(SeenIn(later));
}

TEST_F(OwnWritesTest, AnObjectMadeAnewIsAnother) {
  (void)Write("1");
  KubeObject anew = before;
  anew["metadata"]["uid"] = "another";
  EXPECT_TRUE(SeenIn(anew));
}

TEST_F(OwnWritesTest, AfterAMinuteTheServerIsToBeAsked) {
  (void)Write("1");
  EXPECT_EQ(writes.Of(before), Freshness::kNotYet);
  clock.Advance(59s);
  EXPECT_EQ(writes.Of(before), Freshness::kNotYet);
  clock.Advance(1s);
  EXPECT_EQ(writes.Of(before), Freshness::kAsk);
  EXPECT_EQ(writes.Of(before), Freshness::kAsk) << "and again, until it was asked";
}

TEST_F(OwnWritesTest, WhatTheServerThenSaysIsWhatTheCacheIsMeasuredBy) {
  (void)Write("1");
  clock.Advance(1min);
  const auto got = writes.Get({}, kEtcdRestores, kName);
  ASSERT_TRUE(got);
  EXPECT_EQ(writes.Of(before), Freshness::kNotYet) << "the watch has another minute";
  clock.Advance(1min);
  EXPECT_EQ(writes.Of(before), Freshness::kAsk);
  EXPECT_EQ(writes.Of(*got), Freshness::kSeen);
}

TEST_F(OwnWritesTest, AServerThatWasPutBackToItsPastIsBelieved) {
  for (int i = 0; i < 5; ++i) (void)Write(std::to_string(i));
  KubeObject past = before;
  api.answer = past;
  clock.Advance(1min);
  EXPECT_TRUE(writes.Get({}, kEtcdRestores, kName));
  EXPECT_EQ(writes.Of(past), Freshness::kSeen);
}

TEST_F(OwnWritesTest, AnAnswerThatCrossedAWriteIsNotBelieved) {
  (void)Write("1");
  api.answer = before;
  api.during = [&] {
    clock.Advance(1ms);
    (void)Write("2");
  };
  EXPECT_TRUE(writes.Get({}, kEtcdRestores, kName));
  EXPECT_EQ(writes.Of(before), Freshness::kNotYet);
}

TEST_F(OwnWritesTest, NothingIsKeptOfWhatWasSeenOrIsGone) {
  const KubeObject last = Write("1");
  EXPECT_EQ(writes.size(), 1U);
  writes.Changed(kName, std::make_shared<const KubeObject>(before));
  EXPECT_EQ(writes.size(), 1U) << "not ours yet";
  writes.Changed(kName, std::make_shared<const KubeObject>(last));
  EXPECT_EQ(writes.size(), 0U) << "seen";
  (void)Write("2");
  writes.Changed(kName, nullptr);
  EXPECT_EQ(writes.size(), 0U) << "the watch says that it is gone";
  (void)Write("3");
  fake.Remove(kEtcdRestores, kName);
  EXPECT_FALSE(writes.Get({}, kEtcdRestores, kName));
  EXPECT_EQ(writes.size(), 0U) << "the server says so";
  before = fake.Put(kEtcdRestores, before);
  (void)Write("4");
  EXPECT_TRUE(writes.Write({}, {KubeVerb::kDelete, kEtcdRestores, kName, "", {}}));
  EXPECT_EQ(writes.size(), 0U) << "we deleted it";
}

TEST_F(OwnWritesTest, AWriteThatFailedIsWaitedForByNobody) {
  fake.refuse = [](const std::string&, const KubeType&, const KubeName&) {
    return std::optional(Transient("Conflict", ""));
  };
  EXPECT_FALSE(writes.Write({}, {KubeVerb::kMerge, kEtcdRestores, kName, "", KubeObject()}));
  EXPECT_TRUE(SeenIn(before));
}

}  // namespace
}  // namespace etcdrestore
