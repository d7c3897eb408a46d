#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>

#include "operator/base/clock.h"
#include "operator/base/log.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// First argument of everything that may block: who may stop it, until when it may take, where it
/// logs. A plain value; the logger is borrowed and outlives the call.
struct Call {
  std::stop_token stop;
  SteadyTime deadline = SteadyTime::max();
  Logger* log = &NullLogger();

  /// The same call with at most `budget` from `now`: a child can only shrink its parent's time.
  [[nodiscard]] Call Within(Duration budget,
                            SteadyTime now = std::chrono::steady_clock::now()) const {
    Call child = *this;
    if (deadline - now > budget)
      child.deadline = now + std::chrono::duration_cast<SteadyTime::duration>(budget);
    return child;
  }
  /// Time left, never negative; capped at a year so that it fits any timer.
  [[nodiscard]] std::chrono::milliseconds Left(
      SteadyTime now = std::chrono::steady_clock::now()) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now);
    return std::clamp(left, std::chrono::milliseconds(0),
                      std::chrono::milliseconds(std::chrono::days(365)));
  }
  /// The error to return when the call may not go on; nullopt while it may.
  [[nodiscard]] std::optional<Error> Over() const {
    if (stop.stop_requested()) return Transient("Interrupted", "stopped on request");
    if (Left().count() == 0) return Transient("DeadlineExceeded", "out of time");
    return std::nullopt;
  }
};

/// Sleeps for `duration`; returns early when the call is stopped or out of time. Any thread.
void WaitOrStop(const Call& call, Duration duration);

}  // namespace etcdrestore
