// What earlier processes left: receipts on the nodes, a status, a lock.
#include <algorithm>

#include "reconcilers/restore/earlier.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/old_data.h"
#include "reconcilers/restore/reconciler.h"

namespace etcdrestore {
namespace {

/// What the nodes that were seen know of this run.
struct Traces {
  std::optional<Error> unreadable;
  bool other_spec = false;  ///< carried out under this runID
  bool committed = false;
  bool finished = false;  ///< on one node at least
  std::string when;       ///< it finished; "" when only an archive tells
};

std::string FinishedAt(const Receipt& receipt) {
  return FormatTime(SystemTime(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(receipt.finished_at))));
}

Traces TracesOf(const Target& target, const Observation& seen) {
  Traces traces;
  for (const auto& [name, facts] : seen.facts) {
    if (!facts.receipt_error.empty()) {
      traces.unreadable =
          Terminal("ReceiptUnreadable", "node " + name + ": " + facts.receipt_error);
      continue;
    }
    if (!OfThisRun(target, facts)) {
      for (const FinishedRun& run : facts.finished_runs)
        traces.finished = traces.finished || run.run_key == target.run_key;
      continue;
    }
    const Receipt& receipt = *facts.receipt;
    if (receipt.stage == Stage::kPrepared) continue;
    traces.other_spec = traces.other_spec || receipt.spec_digest != target.spec_digest;
    traces.committed = traces.committed || receipt.stage >= Stage::kCommitted;
    if (receipt.stage != Stage::kFinished) continue;
    traces.finished = true;
    traces.when = FinishedAt(receipt);
  }
  return traces;
}

bool FinishedEverywhere(const Target& target, const Observation& seen) {
  return std::all_of(target.nodes.begin(), target.nodes.end(), [&](const TargetNode& node) {
    const NodeFacts* facts = seen.Of(node);
    return facts != nullptr && OfThisRun(target, *facts) &&
           facts->receipt->stage == Stage::kFinished;
  });
}

}  // namespace

/// A run happens once: a receipt that says finished ends here, another spec under the same key is
/// refused.
Reconciler::Go Reconciler::Latch(const Call& call) {
  const Traces traces = TracesOf(deps_.target, record_.seen);
  if (traces.other_spec) {
    return Stop{Ending::kRejected,
                Terminal("RunIDReused", "runID " + deps_.target.object.spec.run_id +
                                            " was used with another specification; give a new "
                                            "runID")};
  }
  // A node that is silent, or whose receipt cannot be read, does not say that nothing was begun.
  const bool whole_view = record_.seen.errors.empty() && !traces.unreadable;
  const auto told = EarlierTime(deps_.target, "pointOfNoReturn");
  committed_ = traces.committed || (!whole_view && told);
  record_.point_of_no_return.reset();
  record_.timeline.clear();
  if (committed_) {
    record_.started = EarlierTime(deps_.target, "startTime").value_or(record_.started);
    record_.point_of_no_return = told.value_or(record_.started);
    record_.timeline = EarlierTimeline(deps_.target);
  }
  if (traces.unreadable)
    return Stop{committed_ ? Ending::kNeedsAttention : Ending::kPreflightFailed,
                *traces.unreadable};
  // Half of the nodes recorded as finished is a run that was killed at its very end: it is walked
  // to the end.
  if (!traces.finished || (committed_ && !FinishedEverywhere(deps_.target, record_.seen)))
    return std::nullopt;
  return LookAtTheFinished(call, traces.when);
}

Reconciler::Go Reconciler::LookAtTheFinished(const Call& call, const std::string& when) {
  record_.message = "this run finished" + (when.empty() ? "" : " at " + when);
  record_.timeline.clear();  // of the run that finished, not of this look at it
  if (LivenessOf(deps_.target, record_.seen).alive) {
    record_.message += "; the cluster has a quorum and a ready API server";
    if (Go stop = PurgeDue(call)) return stop;
    return Stop{Ending::kDone, {}};
  }
  // Not half of a restore: the whole of it, and something after it.
  committed_ = false;
  record_.point_of_no_return.reset();
  return Stop{Ending::kFailed,
              Terminal("FinishedButNotUp",
                       record_.message + ", and the cluster is not up now. It is not restored a "
                                         "second time: give a new runID to restore again")};
}

Reconciler::Go Reconciler::PurgeDue(const Call& call) {
  Todo due;
  for (const TargetNode* node : deps_.target.EtcdNodes()) {
    const NodeFacts* facts = record_.seen.Of(*node);
    if (facts != nullptr && !OldDataToPurge(deps_.target, *facts).empty())
      due.nodes.push_back(node->name);
  }
  if (due.nodes.empty() || request_.mode != RunMode::kRun) {
    record_.message += ". Nothing was done";
    return std::nullopt;
  }
  if (Go stop = TakeNodes(call)) return stop;
  const Status purged = deps_.executor.Execute(call, Act::kPurge, RunPlan{}, {}, due, record_.seen);
  record_.message += purged ? ". Old data that was due was removed"
                            : ". Old data that is due was not removed: " + purged.error().message;
  record_.seen = deps_.crew.Look(call, {});
  return std::nullopt;
}

Reconciler::Go Reconciler::TakeNodes(const Call& call) {
  std::vector<std::string> may_replace;
  for (const auto& [name, facts] : record_.seen.facts) {
    if (!facts.lock.holder.empty() && deps_.holder_is_dead(facts.lock.holder))
      may_replace.push_back(facts.lock.holder);
  }
  if (request_.takeover) may_replace.assign(1, "*");
  const Status taken = deps_.crew.Do(call, {}, record_.seen,
                                     [&](const TargetNode&, Machine& machine, const NodeFacts*) {
                                       return machine.Take(call, may_replace);
                                     });
  // Also after a failure: those that were taken are given back, Release on the others changes
  // nothing.
  holds_nodes_ = true;
  if (taken) return std::nullopt;
  if (taken.error().reason == "LockedByOther") {
    return Stop{Ending::kLocked,
                Terminal("LockedByOther",
                         taken.error().message +
                             ". Another restore is at work on the same nodes: wait for it. " +
                             request_.how_to_take_over)};
  }
  return Stop{committed_ ? Ending::kNeedsAttention : Ending::kPreflightFailed, taken.error()};
}

}  // namespace etcdrestore
