#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// How a call against a server that may be busy is repeated. Everything that takes time or chance
/// is a member, so tests neither wait nor roll dice. A plain value; the functions must be thread
/// safe.
struct Retry {
  int attempts = 6;  ///< tries in a row that bring nothing
  Duration first = std::chrono::milliseconds(300);
  Duration longest = std::chrono::seconds(15);
  /// Waits that long or until the call is over; returns the call's error in that case.
  std::function<Status(const Call&, Duration)> wait;
  std::function<double()> chance;  ///< uniform in [0, 1)

  /// Waits on a condition variable; chance from a random generator.
  static Retry Real();

  /// The pause after the `failures`-th failure in a row (from 1): doubles each time, with jitter in
  /// its upper half, and is never shorter than what the server asked for.
  [[nodiscard]] Duration Pause(int failures, std::optional<Duration> asked) const;

  /// Pauses before the next try. Returns `error` itself when it is terminal, when the tries are
  /// used up, or when the pause would outlast the call: the caller learns why, not that time ran
  /// out.
  [[nodiscard]] Status Next(const Call& call, const Error& error, int failures,
                            std::optional<Duration> asked) const;
};

/// Retry-After: seconds, or a date compared with `now`; nullopt when neither. Never negative, at
/// most an hour.
std::optional<Duration> ParseRetryAfter(std::string_view value, SystemTime now);

}  // namespace etcdrestore
