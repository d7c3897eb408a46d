#pragma once

#include <mutex>

#include "operator/base/clock.h"

namespace etcdrestore::fakes {

/// Time that moves only when a test, or the world it drives, moves it. Thread safe.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(SystemTime start) : now_(start) {}
  [[nodiscard]] SystemTime Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  [[nodiscard]] SteadyTime Steady() const override {
    return SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(Now().time_since_epoch()));
  }
  [[nodiscard]] Duration Slept() const override {
    const std::lock_guard lock(mutex_);
    return slept_;
  }
  /// The machine is frozen: only the clocks of others go on.
  void Sleep(Duration by) {
    const std::lock_guard lock(mutex_);
    slept_ += by;
  }
  void Advance(Duration by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  /// Seconds since the epoch, as a node's clock tells them.
  [[nodiscard]] double Seconds() const {
    return std::chrono::duration<double>(Now().time_since_epoch()).count();
  }

 private:
  mutable std::mutex mutex_;
  SystemTime now_;
  Duration slept_{};
};

}  // namespace etcdrestore::fakes
