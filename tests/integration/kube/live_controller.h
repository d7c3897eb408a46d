#pragma once

#include "operator/kubernetes/controller.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore::testing {

/// A controller of the operator over an API that a test looks through: one process that leads. What
/// the watch brings it hears from the test; each Pass handles one object and nothing more. Its time
/// is the test's, and begins with the real one.
class LiveController final : public ControllerObserver {
 public:
  LiveController(KubeApi& api, Controller::RunFunction run);

  /// What the watch brings.
  void Hear(const KubeObject& object);
  /// A worker takes the object as it is in the cache.
  void Pass(const KubeName& name);

  void OnReconciled(const char* how, double seconds) override;
  void OnStatus(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnRunEnded(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnGone(const KubeName& name) override;

  fakes::VirtualClock clock;
  RunLedger ledger;
  EventRecorder events;
  std::stop_source stop;  ///< of the pass: SIGTERM
  int runs = 0;
  std::string result;           ///< of the last pass
  nlohmann::ordered_json last;  ///< the status with which a run ended; null: none has
 private:
  LeaderGuard guard_;
  ObjectCache cache_;
  WorkQueue queue_;
  Controller controller_;
};

/// What a session does at its point of no return; what the gate before its first act says.
Status PassThePoint(const SessionInput& input);
SessionResult Ends(const SessionInput& input, Ending ending, const Error& error);

}  // namespace etcdrestore::testing
