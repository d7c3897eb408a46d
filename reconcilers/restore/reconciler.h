#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconcilers/restore/executor.h"
#include "reconcilers/restore/report.h"
#include "reconcilers/restore/snapshot_choice.h"

namespace etcdrestore {

enum class RunMode { kCheck, kPlan, kRun };

struct RunRequest {
  RunMode mode = RunMode::kRun;
  std::string approved_plan;  ///< from --approve or spec.approvedPlan
  bool takeover = false;      ///< a person says that the holder of the nodes is gone
  /// What a person does to approve, before the plan's hash.
  std::string how_to_approve = "run again with --approve ";
  /// What is to be done about a holder of the nodes that may be gone, for people.
  std::string how_to_take_over =
      "If you know that its process is gone, run again with --takeover, or wait a minute";
};

/// Hears what happens, in order and one at a time; but OnBytes from any thread, also meanwhile.
class RunListener {
 public:
  virtual ~RunListener() = default;
  /// How far the transfer of a snapshot is; often.
  virtual void OnBytes(const std::string& /*what*/, std::uint64_t /*done*/,
                       std::uint64_t /*total*/) {}
  virtual void OnNote(const std::string& line) = 0;  ///< something worth a line
  virtual void OnChecks(const std::vector<Check>& checks) = 0;
  virtual void OnPlan(const PlanDocument& plan) = 0;
  virtual void OnProgress(const RunRecord& record) = 0;  ///< phase, step or message changed
};

/// One run from the first look to its end: observe, plan, one act, report, again. Keeps nothing but
/// a record for people; killed at any instant and started again it comes to the same end, because
/// every decision is made from what the nodes show.
class Reconciler {
 public:
  struct Deps {
    const Target& target;
    Crew& crew;
    Executor& executor;
    Clock& clock;
    RunListener& listener;
    /// Opens spec.sources; called once, when the snapshot is chosen.
    std::function<Result<std::vector<SnapshotSource>>(const Call&)> open_sources;
    /// Reads the state found in a snapshot's zip, and makes it the target's when none was given.
    /// May be empty.
    std::function<Result<ClusterState>(const std::string& rkestate)> read_state;
    std::function<const std::map<std::string, std::string>()> host_keys;
    std::function<Result<std::string>(const Call&)> rke_version;
    std::function<bool(const std::string& holder)> holder_is_dead;
    std::function<void(const Call&, Duration)> wait;  ///< returns early when the call is stopped
    std::string folder;                               ///< the run's folder on this machine
  };
  Reconciler(Deps deps, RunRequest request)
      : deps_(std::move(deps)), request_(std::move(request)) {}

  /// Runs to an end; never throws. The record tells how it ended.
  RunRecord Run(const Call& call);

 private:
  struct Stop {  ///< an end, found anywhere in the run
    Ending ending = Ending::kRunning;
    Error error;
  };
  using Go = std::optional<Stop>;  ///< nullopt: go on

  Go Begin(const Call& call);
  Go Latch(const Call& call);
  /// Old data of a finished run that is asked for again once it has been kept long enough.
  Go PurgeDue(const Call& call);
  Go LookAtTheFinished(const Call& call, const std::string& when);
  Go AwaitAll(const Call& call);
  Go TakeNodes(const Call& call);
  Go Preflight(const Call& whole);
  /// The first look after the nodes are held, with all that the checks need.
  void LookAsHolder(const Call& call, const std::string& etcd_image);
  Go Choose(const Call& call, const std::string& pinned_sha256);
  Go Resume(const Call& call);
  Go Approve();
  Go Walk(const Call& call, std::span<const Step> steps);
  Go Act(const Call& call, const Step& step, const Todo& todo, const LookOptions& look_after,
         int& failures);
  Go LookForWalk(const Call& call, LookOptions options, int& failures);
  Go TransientTrouble(const Call& call, const Error& error, int& failures);
  void AwaitNode(const Call& call);
  std::optional<std::pair<Phase, SystemTime>> PhaseDeadline() const;
  Go OverBudget(const Call& call) const;
  bool NothingWasCommitted() const;
  void PutBack(const Call& call);
  Stop BadEnd(const Error& error) const;
  void Enter(const Step& step, const Todo& todo);
  void Leave();
  void Publish();
  RunView View() const;

  Deps deps_;
  RunRequest request_;
  RunRecord record_;
  SnapshotDelivery delivery_;
  std::optional<ClusterState> zip_state_;  ///< the rkestate inside the snapshot's zip
  std::optional<Observation> previous_;
  std::vector<SnapshotSource> sources_;
  StrategyChoice choice_;
  Liveness live_;
  LookOptions looked_;   ///< what the newest look covers
  bool fresh_ = false;   ///< nothing was done since the newest look
  std::string awaited_;  ///< the node that is waited for since
  SystemTime awaited_since_{};
  bool committed_ = false;
  bool holds_nodes_ = false;
};

}  // namespace etcdrestore
