#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "operator/kubernetes/api_values.h"
#include "operator/kubernetes/events.h"
#include "operator/kubernetes/run_ledger.h"
#include "operator/kubernetes/verdict.h"
#include "operator/runtime/leader.h"
#include "operator/runtime/object_cache.h"
#include "operator/runtime/own_writes.h"
#include "operator/runtime/work_queue.h"
#include "operator/session/session.h"

namespace etcdrestore {

inline constexpr const char* kFinalizer = "etcdrestore.io/half-done";
inline constexpr const char* kCancelledHalfDone =
    "spec.cancel stopped the run after its point of no return: the cluster is half restored, "
    "status.nodes tells how far. A new spec.runID, with spec.cancel false, restores it";

class StatusPublisher;

/// Hears what the metrics need, also of the runs. Thread safe.
class ControllerObserver : public RunMeter {
 public:
  /// A worker begins with a key that was added then.
  virtual void OnTaken(SteadyTime /*added*/, SteadyTime /*now*/) {}
  /// "success", "requeue_after" or "error", as controller-runtime counts them.
  virtual void OnReconciled(const char* result, double seconds) = 0;
  /// An error that no repetition mends.
  virtual void OnTerminalError() {}
  /// A defect of ours: an exception that nobody expected.
  virtual void OnPanic() {}
  virtual void OnStatus(const EtcdRestore& object, const nlohmann::ordered_json& status) = 0;
  /// An attempt at a phase has ended; after a bad one there may be another.
  virtual void OnAttempt(const std::string& /*phase*/, bool /*well*/) {}
  virtual void OnRunEnded(const EtcdRestore& object, const nlohmann::ordered_json& status) = 0;
  virtual void OnGone(const KubeName& name) = 0;
};

/// From an EtcdRestore in the cache to a run and its status: the latch, the inputs, the run, what
/// follows. Owns no thread; Work is called by as many as there are workers.
class Controller {
 public:
  using RunFunction = std::function<SessionResult(const Call&, const SessionInput&, RunListener&)>;
  struct Deps {
    KubeApi& api;  ///< refuses writes of a process that does not lead
    const Clock& clock;
    const ObjectCache& cache;
    WorkQueue& queue;
    const LeaderGuard& guard;
    RunLedger& ledger;
    EventRecorder& events;
    Logger& log;
    ControllerObserver& observer;
    RunFunction run;
    std::string state_dir;
    std::string rke;
    int most_runs = 4;  ///< at the same time; other objects are looked at meanwhile
  };
  explicit Controller(Deps deps)
      : deps_(std::move(deps)), api_(deps_.api, kEtcdRestores, deps_.clock) {}

  /// In the reflector's thread.
  void Changed(const ObjectChange& change);
  /// Until the call is stopped. To be called by more threads than there may be runs.
  void Work(const Call& call);

 private:
  friend class RunWatch;
  struct Running {
    std::stop_source stop;
    bool committed = false;
  };

  /// One key on its way through a worker, and what came of it.
  struct Pass : WorkItem {
    const char* result = "success";
    bool took = false;  ///< the finalizer, or it was tried
  };
  class Enlisted;
  class Slot;

  void Hear(const ObjectChange& change);
  /// What the cache knows by now asks this run to end.
  [[nodiscard]] bool StopAsked(const EtcdRestore& object) const;
  void HandleSafely(const Call& call, Pass& item);
  void Handle(const Call& call, Pass& item);
  void HandleObject(const Call& call, Pass& item, const EtcdRestore& object);
  void Rest(const Call& call, Pass& item, const EtcdRestore& object, ObjectVerdict verdict);
  void AwaitApproval(const Call& call, Pass& item, const EtcdRestore& object);
  void Expire(const Call& call, Pass& item, const EtcdRestore& object);
  [[nodiscard]] std::string HalfDoneElsewhere(const EtcdRestore& object) const;
  void Remind(const Call& call, Pass& item, const EtcdRestore& object, const LedgerEntry& entry);
  /// Why it must not run now; true when it was said.
  bool HeldBack(const Call& call, Pass& item, const EtcdRestore& object);
  /// The run's record, written at the object's first visit; nullopt when it starts nothing.
  std::optional<LedgerEntry> Enrolled(const Call& call, Pass& item, const EtcdRestore& object);
  /// The run of the runID that this object had before has ended: another took its place.
  Status EndEarlier(const Call& call, const EtcdRestore& object);
  std::optional<ApiValues> InputsOf(const Call& call, Pass& item, const EtcdRestore& object,
                                    const LedgerEntry& entry);
  void Begin(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry);
  /// The run itself and what follows: controller_run.cc.
  void RunIt(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry,
             const Values& values, KubeObject copy);
  void Settle(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry,
              StatusPublisher& publisher, const SessionResult& result);
  void SettleUnbegun(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry,
                     const SessionResult& result);
  void Finish(const Call& call, Pass& item, const EtcdRestore& object, const LedgerEntry& entry,
              const SessionResult& result, const nlohmann::ordered_json& status);
  void GiveUp(const Call& call, Pass& item, const EtcdRestore& object);
  /// Drops the copies of the inputs, then the finalizer. False when it is to be tried again.
  bool LetGo(const Call& call, Pass& item, const EtcdRestore& object);
  void Say(const Call& call, Pass& item, const EtcdRestore& object, const std::string& phase,
           const std::string& reason, const std::string& message);
  /// False when it is to be tried again.
  bool Publish(const Call& call, Pass& item, const EtcdRestore& object,
               const nlohmann::ordered_json& status);
  void Again(Pass& item, const Error& error);
  void Later(Pass& item, Duration pause);
  Status SetFinalizer(const Call& call, const EtcdRestore& object, bool on);
  Status KeepOutputs(const Call& call, const EtcdRestore& object, const SessionResult& result,
                     nlohmann::ordered_json& status);

  Deps deps_;
  OwnWrites api_;
  std::mutex mutex_;  ///< guards running_
  std::map<std::string, Running*> running_;
  std::atomic<int> runs_ = 0;
};

/// True when the object has our finalizer. Pure.
bool Held(const EtcdRestore& object);
/// True when the status speaks of the newest spec. Pure.
bool Acknowledged(const EtcdRestore& object);
/// When the object is to be refused because its time has passed. Pure.
bool Expired(const EtcdRestore& object, SystemTime now);

}  // namespace etcdrestore
