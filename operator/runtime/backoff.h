#pragma once

#include <functional>
#include <optional>

#include "operator/base/clock.h"

namespace etcdrestore {

/// Pauses that double with full jitter, from 800 ms to 30 s, and begin anew after two quiet
/// minutes: the numbers of Kubernetes' own clients. One thread.
class Backoff {
 public:
  /// `chance` is uniform in [0, 1).
  explicit Backoff(std::function<double()> chance) : chance_(std::move(chance)) {}
  Duration Next(SteadyTime now);

 private:
  std::function<double()> chance_;
  int failures_ = 0;
  std::optional<SteadyTime> last_;
};

}  // namespace etcdrestore
