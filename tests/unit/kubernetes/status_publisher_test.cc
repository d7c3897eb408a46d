#include "operator/kubernetes/status_publisher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/fakes/fake_kube.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

const KubeName kName{"recovery", "one"};

class Publisher : public testing::Test {
 protected:
  Publisher() { api.Put(kEtcdRestores, testing_objects::AnObject()); }
  StatusPublisher Make() {
    return StatusPublisher({api, clock, NullLogger()},
                           testing_objects::Parsed(*api.Find(kEtcdRestores, kName)));
  }
  [[nodiscard]] std::string Phase() const {
    return api.Find(kEtcdRestores, kName)->value("status", Json::object()).value("phase", "");
  }
  RealClock clock;
  fakes::FakeKube api;
};

TEST_F(Publisher, AnOlderStatusNeverComesAfterANewerOne) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> writes = 0;
    // Each first write fails, so that the older one is on its way again and again.
    api.refuse = [&](const std::string&, const KubeType&, const KubeName&) {
      return writes++ == 0 ? std::optional(Transient("Unavailable", "")) : std::nullopt;
    };
    {
      StatusPublisher publisher = Make();
      publisher.Offer({{"phase", "Up"}});
      while (writes == 0) std::this_thread::yield();
      ASSERT_TRUE(publisher.WriteNow(Call().Within(10s), {{"phase", "Succeeded"}}));
      std::this_thread::yield();
    }
    ASSERT_EQ(Phase(), "Succeeded") << "round " << round;
    api.Put(kEtcdRestores, testing_objects::AnObject());
  }
}

TEST_F(Publisher, WhatIsThereAlreadyIsNotWrittenAgain) {
  StatusPublisher publisher = Make();
  ASSERT_TRUE(publisher.WriteNow(Call().Within(10s), {{"phase", "Up"}}));
  ASSERT_TRUE(publisher.WriteNow(Call().Within(10s), {{"phase", "Up"}}));
  EXPECT_EQ(api.writes().size(), 1U);
}

TEST_F(Publisher, AnObjectThatIsGoneOrMadeAnewIsNotWrittenTo) {
  StatusPublisher publisher = Make();
  KubeObject again = testing_objects::AnObject();
  again["metadata"]["uid"] = "u2";
  api.Put(kEtcdRestores, again);
  const Status other = publisher.WriteNow(Call().Within(10s), {{"phase", "Up"}});
  ASSERT_FALSE(other);
  EXPECT_TRUE(ObjectGone(other.error()));
  EXPECT_EQ(Phase(), "");
  api.Remove(kEtcdRestores, kName);
  EXPECT_TRUE(ObjectGone(publisher.WriteNow(Call().Within(10s), {{"phase", "Up"}}).error()));
  EXPECT_FALSE(ObjectGone(Transient("Conflict", "the object has been modified")));
}

}  // namespace
}  // namespace etcdrestore
