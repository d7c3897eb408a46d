#include "operator/base/call.h"

#include <condition_variable>
#include <mutex>

namespace etcdrestore {

void WaitOrStop(const Call& call, Duration duration) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, call.stop, std::min<Duration>(duration, call.Left()), [] { return false; });
}

}  // namespace etcdrestore
