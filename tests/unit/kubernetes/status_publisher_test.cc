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
  StatusPublisher Make(Duration gap = 2s) {
    return StatusPublisher({api, clock, NullLogger(), gap},
                           testing_objects::Parsed(*api.Find(kEtcdRestores, kName)));
  }
  [[nodiscard]] std::string Phase() const {
    return api.Find(kEtcdRestores, kName)->value("status", Json::object()).value("phase", "");
  }
  RealClock clock;
  fakes::FakeKube api;
};

TEST_F(Publisher, AnOlderStatusNeverComesAfterANewerOne) {
  std::atomic<bool> offered = false;
  std::atomic<bool> final_comes = false;
  // What was offered is on its way when the final one comes, and fails then.
  api.refuse = [&](const std::string&, const KubeType&, const KubeName&) -> std::optional<Error> {
    if (!offered.exchange(false)) return std::nullopt;
    while (!final_comes) std::this_thread::yield();
    return Transient("Unavailable", "");
  };
  {
    StatusPublisher publisher = Make(1us);
    for (int round = 0; round < 200; ++round) {
      final_comes = false;
      offered = true;
      publisher.Offer({{"progress", std::to_string(2 * round)}});
      while (offered) std::this_thread::yield();
      final_comes = true;
      ASSERT_TRUE(
          publisher.WriteNow(Call().Within(10s), {{"progress", std::to_string(2 * round + 1)}}));
    }
  }
  int newest = -1;
  for (const KubeWrite& write : api.writes()) {
    const int number = std::stoi(write.body["status"]["progress"].get<std::string>());
    EXPECT_GT(number, newest);
    newest = number;
  }
  EXPECT_EQ(newest, 399);
}

TEST_F(Publisher, WhatIsOfferedWithoutEndIsWrittenOnceInAGapAndTheNewestAtLast) {
  constexpr Duration kGap = 20ms;
  std::mutex mutex;
  std::vector<SteadyTime> times;
  api.seen = [&](const Call&, const std::string&) {
    const std::lock_guard lock(mutex);
    times.push_back(clock.Steady());
  };
  const auto written = [&] {
    const std::lock_guard lock(mutex);
    return times.size();
  };
  const SteadyTime start = clock.Steady();
  StatusPublisher publisher = Make(kGap);
  int offered = 0;
  while (written() < 6) publisher.Offer({{"progress", std::to_string(++offered)}});
  publisher.Offer({{"progress", "overtaken"}});
  publisher.Offer({{"progress", "last"}, {"phase", "Up"}});
  while (Phase() != "Up" && clock.Steady() - start < 30s) std::this_thread::yield();
  EXPECT_EQ(Phase(), "Up");
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_GE(times[i] - start, static_cast<int>(i) * kGap) << "write " << i;
  EXPECT_LT(times.size(), static_cast<std::size_t>(offered));
}

TEST(PublisherGap, OfARunIsTwoSeconds) {
  fakes::FakeKube api;
  const RealClock clock;
  EXPECT_EQ((StatusPublisher::Deps{api, clock, NullLogger()}.gap), 2s);
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
