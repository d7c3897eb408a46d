#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/status_publisher.h"

namespace etcdrestore {

/// What happens beside a run while it goes on: its words become log lines and Events, its status
/// goes to the API, and nothing is destroyed before the finalizer, the ledger and the copy of the
/// inputs say so. Called by the run's threads.
class RunWatch final : public RunListener {
 public:
  struct Deps {
    StatusPublisher& publisher;
    EventRecorder& events;
    ControllerObserver& observer;
    Logger& log;
    const LeaderGuard& guard;
    /// Made true before the first destructive act; asked again after an error.
    std::function<Status()> commit;
    std::function<void()> committed;
  };
  RunWatch(Deps deps, const EtcdRestore& object);

  void OnNote(const std::string& line) override;
  void OnChecks(const std::vector<Check>& checks) override;
  void OnPlan(const PlanDocument& plan) override;
  void OnProgress(const RunRecord& record) override;

  void OnStatus(const nlohmann::ordered_json& status, const RunRecord& record);
  /// The gate before every command on a node. What changes nothing there passes while this process
  /// leads: after a refused commit it must still be seen that nothing was done.
  Status MayAct(bool changes);

 private:
  void TellAttempts(const RunRecord& record);

  Deps deps_;
  const EtcdRestore& object_;
  std::mutex mutex_;  ///< guards the rest: nodes are worked on in parallel
  bool past_point_ = false;
  nlohmann::ordered_json at_point_;  ///< the status in which the run passed it
  bool prepared_ = false;
  std::set<std::string> told_;  ///< phases whose end was told of, by an earlier process too
  std::map<std::string, int> failures_;  ///< by phase: attempts that were told of
};

}  // namespace etcdrestore
