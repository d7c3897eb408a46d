#include "operator/runtime/backoff.h"

#include <algorithm>

namespace etcdrestore {

using namespace std::chrono_literals;

Duration Backoff::Next(SteadyTime now) {
  if (last_ && now - *last_ > 2min) failures_ = 0;
  last_ = now;
  const Duration base = std::min<Duration>(800ms * (1 << std::min(failures_++, 6)), 30s);
  return base + Duration(static_cast<Duration::rep>(static_cast<double>(base.count()) * chance_()));
}

}  // namespace etcdrestore
