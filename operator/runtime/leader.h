#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "operator/ports/kube.h"

namespace etcdrestore {

struct LeaderOptions {
  KubeName lease;
  std::string identity;  ///< <host>_<random>, never used by another process
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
};

/// Whether a leader with these times stops before another one may begin, and has more than one try
/// at each renewal. Error InvalidOptions, which names the flags. Pure.
Status CheckTimes(const LeaderOptions& options);

/// Until when this process may act. The server knows nothing of it, so everything that changes
/// something asks here first. Time that the machine sleeps counts. Thread safe.
class LeaderGuard {
 public:
  explicit LeaderGuard(const Clock& clock) : clock_(clock) {}
  /// Error LeaseLost (transient): another process may be at work.
  [[nodiscard]] Status Check() const;
  /// `slept`: the clock's Slept when the deadline was reckoned.
  void AllowUntil(SteadyTime deadline, Duration slept);
  void AllowUntil(SteadyTime deadline) { AllowUntil(deadline, clock_.Slept()); }
  void Revoke();
  [[nodiscard]] Duration Left() const;
  /// When Check begins to fail unless the Lease is renewed: well before another process may lead.
  /// SteadyTime::min() when it fails already.
  [[nodiscard]] SteadyTime Until() const;

 private:
  [[nodiscard]] std::optional<SteadyTime> Deadline() const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<SteadyTime> deadline_;
  Duration slept_{};  ///< when the deadline was reckoned
};

/// What is known of the Lease: the record, and when we saw it change. Another holder's time is
/// never compared with ours.
struct LeaseSeen {
  KubeObject object;  ///< null: there is none
  SteadyTime changed{};
};
/// RFC 3339 with six decimals, as metav1.MicroTime writes it.
std::string MicroTime(SystemTime time);

/// True when this identity may write itself into the Lease. Pure.
bool MayHold(const LeaseSeen& seen, const std::string& identity, SteadyTime now);
/// The Lease with us as its holder; keeps acquireTime and the count of transitions of our own.
/// Pure.
KubeObject HeldLease(const KubeObject& before, const LeaderOptions& options, SystemTime now);

/// One of many processes is the leader, by a Lease. Acquire, then Hold, then Release, from one
/// thread. Uses a connection of its own, so that other traffic cannot starve it.
class LeaderElection {
 public:
  struct Deps {
    KubeApi& api;
    const Clock& clock;
    std::function<void(const Call&, Duration)> wait;
    std::function<double()> chance;
    LeaderGuard& guard;
    std::function<void(const std::string& holder)> follows;  ///< hears of each other leader
    /// Hears the Lease's own count of leaders, whenever it was read or written; may be empty.
    std::function<void(int)> transitions = {};
    /// Hears that this process began or stopped to lead, with the Lease; not when the Lease is
    /// lost: the process has no say any more. May be empty.
    std::function<void(const KubeObject& lease, bool leads)> leading = {};
    /// Hears why the Lease can be neither read nor written, once for each new reason; not that
    /// another process leads. May be empty.
    std::function<void(const Error&)> failed = {};
  };
  LeaderElection(Deps deps, LeaderOptions options)
      : deps_(std::move(deps)), options_(std::move(options)) {}

  /// Done when we lead; Interrupted when stopped first.
  Status Acquire(const Call& call);
  /// Renews until the call is stopped (done), or another process holds the Lease or the renewal
  /// failed for the whole deadline (LeaseLost, which says why): the guard has then said no for as
  /// long as it took to find out.
  Status Hold(const Call& call);
  /// Gives the Lease away at once. Only after all work has stopped.
  void Release(const Call& call);

 private:
  Status TryOnce(const Call& call);
  Status ReadAndWrite(const Call& call);
  Status Write(const Call& call, KubeVerb verb, const KubeObject& lease);
  void TellTransitions() const;
  void TellFailure(const Status& tried);
  /// `tried`: how the last renewal went.
  [[nodiscard]] Error Lost(const Status& tried) const;

  Deps deps_;
  LeaderOptions options_;
  LeaseSeen seen_;
  std::string failing_;  ///< the reason that was told last; "" while all is well
};

}  // namespace etcdrestore
