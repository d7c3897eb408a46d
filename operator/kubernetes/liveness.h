#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "operator/ports/forwarding_kube.h"

namespace etcdrestore {

/// When a loop came back last. Thread safe.
class LoopTick {
 public:
  explicit LoopTick(const Clock& clock) : clock_(clock) { Now(); }
  void Now() { last_ = clock_.Steady().time_since_epoch().count(); }
  [[nodiscard]] Duration Silence() const {
    return clock_.Steady() - SteadyTime(SteadyTime::duration(last_.load()));
  }

 private:
  const Clock& clock_;
  std::atomic<SteadyTime::rep> last_ = 0;
};

/// Ticks when a list or a watch begins, with each object that comes, and when it ends, well or not:
/// a loop over them ticks also while the server is away. Borrows both.
class TickingKube final : public ForwardingKube {
 public:
  TickingKube(KubeApi& api, LoopTick& tick) : ForwardingKube(api), tick_(tick) {}
  Result<KubeListEnd> List(const Call& call, const KubeType& type, const std::string& name_space,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override;
  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override;

 private:
  LoopTick& tick_;
};

/// Those who take keys from a queue, as a probe sees them.
struct Takers {
  std::optional<SteadyTime> due;  ///< of the next key
  std::size_t busy = 0;           ///< keys that are worked on
  std::size_t all = 0;            ///< keys that can be worked on at once; 0: nobody takes yet
  std::uint64_t taken = 0;        ///< keys taken since the start
};

/// Notices that a key is due, somebody is free, and nobody takes one. How long the others are at
/// theirs says nothing: a restore may take an hour. Thread safe.
class TakersWatch {
 public:
  /// For how long it has been so, from probe to probe.
  Duration Neglect(const Takers& seen, SteadyTime now);

 private:
  std::mutex mutex_;
  std::optional<SteadyTime> since_;
  std::uint64_t taken_ = 0;
};

}  // namespace etcdrestore
