#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace etcdrestore {

using SystemTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Time is passed in, never called. Thread safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SystemTime Now() const = 0;
  [[nodiscard]] virtual SteadyTime Steady() const = 0;
  /// How long the machine has slept since its start, which Steady does not count: a virtual machine
  /// that was frozen, a laptop that was closed.
  [[nodiscard]] virtual Duration Slept() const { return Duration(0); }
};

/// The machine's own clocks.
class RealClock final : public Clock {
 public:
  [[nodiscard]] SystemTime Now() const override;
  [[nodiscard]] SteadyTime Steady() const override;
  [[nodiscard]] Duration Slept() const override;
};

/// RFC 3339 in UTC with whole seconds, as metav1.Time writes it: 2026-11-22T03:00:00Z.
std::string FormatTime(SystemTime time);
/// The same with 1 to 9 decimals of the second, cut and not rounded.
std::string FormatTime(SystemTime time, int decimals);

/// Reads RFC 3339 with any offset and up to nine fractional digits; nullopt for anything else.
std::optional<SystemTime> ParseTime(std::string_view text);

/// Reads Go's duration notation as Kubernetes writes it: 168h, 2h30m, 90s, 1.5h, 300ms. No sign, no
/// bare number but 0; nullopt for anything else.
std::optional<Duration> ParseDuration(std::string_view text);

/// For people: 4.2 s, 3 min 12 s, 2 h 5 min, 3 d 4 h.
std::string HumanDuration(Duration duration);

}  // namespace etcdrestore
