// The queue under threads of real time: who is woken, when, and with what.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <set>
#include <thread>

#include "operator/runtime/work_queue.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

/// Far more than any of this takes; a test that waits so long has failed.
constexpr auto kNever = 20s;

/// Tells when it was asked so many times. A queue asks with its lock held: who adds something then
/// does it when the one that asked waits.
class AskedClock final : public Clock {
 public:
  explicit AskedClock(std::ptrdiff_t times) : asked_(times) {}
  [[nodiscard]] SystemTime Now() const override { return real_.Now(); }
  [[nodiscard]] SteadyTime Steady() const override {
    if (!asked_.try_wait()) asked_.count_down();
    return real_.Steady();
  }
  void WaitUntilAsked() const { asked_.wait(); }

 private:
  RealClock real_;
  mutable std::latch asked_;
};

/// Threads that each take one key, tell it, and keep it until the end.
class Takers {
 public:
  explicit Takers(WorkQueue& queue) : queue_(queue) {}
  ~Takers() { stop_.request_stop(); }
  void Begin() {
    threads_.emplace_back([this] {
      Call call;
      call.stop = stop_.get_token();
      const auto item = queue_.Take(call);
      const std::lock_guard lock(mutex_);
      if (item) taken_.insert(item->key);
      told_.notify_all();
    });
  }
  bool Took(const std::set<std::string>& keys) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, kNever, [&] { return taken_ == keys; });
  }

 private:
  WorkQueue& queue_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::set<std::string> taken_;
  std::vector<std::jthread> threads_;
};

TEST(WorkQueueThreads, ADelayIsKeptByOneThatWaitsForALaterKey) {
  const AskedClock clock(2);
  WorkQueue queue(clock);
  queue.AddAfter("later", "1", 1h);
  Takers takers(queue);
  takers.Begin();
  clock.WaitUntilAsked();
  queue.AddAfter("soon", "2", 10ms);
  EXPECT_TRUE(takers.Took({"soon"})) << "the thread that added it is busy with waiting here";
}

TEST(WorkQueueThreads, ADelayIsKeptWhicheverOfThoseThatWaitIsTakenUpByAnotherKey) {
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    const AskedClock clock(2);
    WorkQueue queue(clock);
    Takers takers(queue);
    takers.Begin();
    takers.Begin();
    clock.WaitUntilAsked();
    queue.AddAfter("soon", "1", 10ms);
    queue.Add("now", "2");
    ASSERT_TRUE(takers.Took({"now", "soon"}));
  }
}

/// What threads do to keys, and whether that was right.
class Work {
 public:
  static constexpr std::size_t kKeys = 12;
  static constexpr std::size_t kLanes = 3;

  void Want(WorkQueue& queue, std::size_t key) {
    ++wanted_[key];
    const std::string lane = std::to_string(key % kLanes);
    if (wanted_[key] % 3 == 0) return queue.AddAfter(std::to_string(key), lane, 1ms);
    queue.Add(std::to_string(key), lane, wanted_[key] % 2 == 0 ? Urgency::kLow : Urgency::kNormal);
  }
  void UntilStopped(WorkQueue& queue, const Call& call) {
    while (const auto item = queue.Take(call)) {
      const std::size_t key = std::stoul(item->key);
      wrong_ += keys_[key]++;
      if (item->held_by.empty()) Hold(key);
      --keys_[key];
      queue.Done(item->key);
    }
  }
  /// The last time that each was wanted has been seen.
  bool AllSeen() {
    std::unique_lock lock(mutex_);
    return seen_changed_.wait_for(lock, kNever, [this] {
      for (std::size_t key = 0; key < kKeys; ++key) {
        if (seen_[key] != wanted_[key]) return false;
      }
      return true;
    });
  }
  [[nodiscard]] int wrong() const { return wrong_; }

 private:
  void Hold(std::size_t key) {
    wrong_ += lanes_[key % kLanes]++;
    const std::lock_guard lock(mutex_);
    seen_[key] = wanted_[key];
    seen_changed_.notify_all();
    --lanes_[key % kLanes];
  }

  std::array<std::atomic<int>, kKeys> wanted_{};
  std::array<std::atomic<int>, kKeys> keys_{};  ///< threads that are at it
  std::array<std::atomic<int>, kLanes> lanes_{};
  std::atomic<int> wrong_ = 0;
  std::mutex mutex_;  ///< guards seen_
  std::condition_variable seen_changed_;
  std::array<int, kKeys> seen_{};
};

TEST(WorkQueueThreads, EachKeyIsWithOneThreadAndEachLaneToo) {
  const RealClock clock;
  WorkQueue queue(clock);
  Work work;
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  std::vector<std::jthread> workers;
  for (int i = 0; i < 6; ++i) workers.emplace_back([&] { work.UntilStopped(queue, call); });
  {
    std::vector<std::jthread> adders;
    for (std::size_t mine = 0; mine < 3; ++mine)
      adders.emplace_back([&, mine] {
        for (std::size_t i = 0; i < 3000; ++i) work.Want(queue, (i * 3 + mine) % Work::kKeys);
      });
  }
  EXPECT_TRUE(work.AllSeen()) << "nothing is lost";
  stop.request_stop();
  workers.clear();
  EXPECT_EQ(work.wrong(), 0);
  EXPECT_EQ(queue.Numbers().busy, 0U);
}

TEST(WorkQueueThreads, AStopEndsAllThatWait) {
  const AskedClock clock(3);
  WorkQueue queue(clock);
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  std::vector<std::future<std::optional<WorkItem>>> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.push_back(std::async(std::launch::async, [&] { return queue.Take(call); }));
  clock.WaitUntilAsked();
  stop.request_stop();
  for (auto& one : waiting) EXPECT_FALSE(one.get());
}

}  // namespace
}  // namespace etcdrestore
