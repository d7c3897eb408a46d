#include "operator/adapters/http/retry.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>

#include "operator/adapters/http/http_date.h"

namespace etcdrestore {
namespace {

Status WaitForReal(const Call& call, Duration pause) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  const SteadyTime due = std::chrono::steady_clock::now() + pause;
  changed.wait_until(lock, call.stop, std::min(due, call.deadline), [] { return false; });
  if (auto over = call.Over()) return *over;
  return {};
}

}  // namespace

Retry Retry::Real() {
  struct Dice {
    std::mutex mutex;
    std::mt19937_64 engine{std::random_device{}()};
  };
  Retry retry;
  retry.wait = &WaitForReal;
  retry.chance = [dice = std::make_shared<Dice>()] {
    const std::lock_guard lock(dice->mutex);
    return std::uniform_real_distribution<double>(0, 1)(dice->engine);
  };
  return retry;
}

Duration Retry::Pause(int failures, std::optional<Duration> asked) const {
  Duration pause = first;
  for (int i = 1; i < failures && pause < longest; ++i) pause *= 2;
  pause = std::min(pause, longest);
  const double share = 0.5 + chance() / 2;
  pause = Duration(static_cast<Duration::rep>(static_cast<double>(pause.count()) * share));
  return asked ? std::max(pause, *asked) : pause;
}

Status Retry::Next(const Call& call, const Error& error, int failures,
                   std::optional<Duration> asked) const {
  if (error.kind == ErrorKind::kTerminal) return error;
  if (auto over = call.Over()) {
    if (error.reason == over->reason) return error;
    over->message += "; last seen: " + error.message;
    return *over;
  }
  if (failures >= attempts) {
    Error last = error;
    last.message += " (tried " + std::to_string(failures) + " times)";
    return last;
  }
  const Duration pause = Pause(failures, asked);
  if (pause >= call.Left()) return error;
  call.log->Debug(
      "Trying again",
      {{"reason", error.reason}, {"error", error.message}, {"pause", HumanDuration(pause)}});
  return wait(call, pause);
}

std::optional<Duration> ParseRetryAfter(std::string_view value, SystemTime now) {
  const Duration most = std::chrono::hours(1);
  int seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc::result_out_of_range) return most;
  if (error == std::errc() && end == value.data() + value.size() && seconds >= 0)
    return std::min<Duration>(std::chrono::seconds(seconds), most);
  const auto date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  return std::clamp<Duration>(*date - now, Duration(0), most);
}

}  // namespace etcdrestore
