#include "reconcilers/restore/reconciler.h"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {
namespace {

bool OfThisRun(const Target& target, const NodeFacts& facts) {
  return facts.receipt && facts.receipt->run_key == target.run_key;
}

/// Not cut off by a stop, a loss of the lock or of the Lease: nobody is about to go on.
bool EndsForGood(const Error& error) {
  const bool cut = error.reason == "Interrupted" || error.reason == "LockLost";
  return !cut && (error.kind == ErrorKind::kTerminal || error.reason == "DeadlineExceeded");
}

}  // namespace

RunRecord Reconciler::Run(const Call& call) {
  record_.started = deps_.clock.Now();
  const Call whole = call.Within(deps_.target.object.spec.deadlines.total);
  Go stop = Begin(whole);
  if (!stop && request_.mode == RunMode::kRun) {
    stop = Walk(whole, StepsOf(record_.plan->strategy));
    if (!stop) record_.message = "the cluster is restored and verified";
  }
  // What ends a run is not taken away by a stop request. The nodes are given back before the look,
  // so that no late act can change what it shows.
  Call last = call;
  last.stop = {};
  if (stop && stop->ending == Ending::kNeedsAttention && record_.plan && EndsForGood(stop->error))
    PutBack(last.Within(std::chrono::minutes(2)));
  last = last.Within(std::chrono::seconds(20));
  bool released = true;
  if (holds_nodes_) {
    released = deps_.crew
                   .Do(last, {}, record_.seen,
                       [&](const TargetNode&, Machine& machine, const NodeFacts*) {
                         return machine.Release(last);
                       })
                   .has_value();
  }
  if (stop && committed_ && stop->ending != Ending::kDone) {
    record_.seen = deps_.crew.Look(last, {});
    if (stop->ending == Ending::kNeedsAttention && released && NothingWasCommitted()) {
      committed_ = false;
      record_.point_of_no_return.reset();
      stop = BadEnd(stop->error);
    }
  }
  record_.ending = stop ? stop->ending : Ending::kDone;
  if (stop) record_.error = stop->error;
  record_.completed = deps_.clock.Now();
  Publish();
  return record_;
}

Reconciler::Go Reconciler::Begin(const Call& call) {
  const EtcdRestoreSpec& spec = deps_.target.object.spec;
  // A node that does not answer takes half a minute: people see that it is looked at.
  if (!Told("pointOfNoReturn")) {
    record_.timeline = {{Phase::kPreflight, record_.started, std::nullopt, 1}};
    record_.step = "Observed";
    record_.message = "looking at the nodes";
    Publish();
    record_.timeline.clear();
  }
  record_.seen =
      deps_.crew.Look(call, {.images = true, .etcd = true, .api = true, .kube_nodes = true});
  record_.host_keys = deps_.host_keys();
  if (Go stop = Latch(call)) return stop;
  if (!committed_) {
    if (spec.cancel)
      return Stop{Ending::kCancelled,
                  Terminal("Cancelled", "spec.cancel is true; nothing was changed")};
    if (spec.paused)
      return Stop{Ending::kAwaitingApproval,
                  Terminal("Paused", "spec.paused is true; nothing was changed")};
    if (deps_.target.object.NotAfter(record_.started) < record_.started) {
      return Stop{Ending::kRejected, Terminal("Expired",
                                              "spec.notAfter has passed; nothing was changed. Set "
                                              "a later one, with a new runID if need be")};
    }
  }
  if (committed_) return Resume(call);
  return Preflight(call);
}

/// A run happens once: a receipt that says finished ends here, another spec under the same key is
/// refused.
Reconciler::Go Reconciler::Latch(const Call& call) {
  bool finished = false;
  std::string when;
  for (const auto& [name, facts] : record_.seen.facts) {
    const auto& old = facts.finished_runs;
    const bool archived = std::any_of(old.begin(), old.end(), [&](const FinishedRun& run) {
      return run.run_key == deps_.target.run_key;
    });
    if (!facts.receipt_error.empty())
      return Stop{Ending::kPreflightFailed,
                  Terminal("ReceiptUnreadable", "node " + name + ": " + facts.receipt_error)};
    if (archived && !OfThisRun(deps_.target, facts)) finished = true;
    if (!OfThisRun(deps_.target, facts)) continue;
    if (facts.receipt->spec_digest != deps_.target.spec_digest &&
        facts.receipt->stage != Stage::kPrepared) {
      return Stop{
          Ending::kRejected,
          Terminal("RunIDReused", "runID " + deps_.target.object.spec.run_id +
                                      " was used with another specification; give a new runID")};
    }
    committed_ = committed_ || facts.receipt->stage >= Stage::kCommitted;
    if (facts.receipt->stage == Stage::kFinished) {
      finished = true;
      when = FormatTime(SystemTime(std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(facts.receipt->finished_at))));
    }
  }
  if (committed_) {
    record_.started = Told("startTime").value_or(record_.started);
    record_.point_of_no_return = Told("pointOfNoReturn").value_or(record_.started);
  }
  const bool all = std::all_of(deps_.target.nodes.begin(), deps_.target.nodes.end(),
                               [&](const TargetNode& node) {
                                 const NodeFacts* facts = record_.seen.Of(node);
                                 return facts != nullptr && OfThisRun(deps_.target, *facts) &&
                                        facts->receipt->stage == Stage::kFinished;
                               });
  // Half of the nodes recorded as finished is a run that was killed at its very end: it is walked
  // to the end.
  if (!finished || (committed_ && !all)) return std::nullopt;
  const Liveness live = LivenessOf(deps_.target, record_.seen);
  record_.message = "this run finished" + (when.empty() ? "" : " at " + when);
  if (live.alive) {
    record_.message += "; the cluster has a quorum and a ready API server";
    if (Go stop = PurgeDue(call)) return stop;
    return Stop{Ending::kDone, {}};
  }
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

/// What an earlier process wrote into the status of this run.
std::optional<SystemTime> Reconciler::Told(const char* field) const {
  const auto status = deps_.target.object.raw.find("status");
  if (status == deps_.target.object.raw.end() || !status->is_object() ||
      status->value("runID", "") != deps_.target.object.spec.run_id)
    return std::nullopt;
  return ParseTime(status->value(field, ""));
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

/// A bad end before any data was moved: what was stopped for the restore runs again, with the
/// restart policies that it had.
void Reconciler::PutBack(const Call& call) {
  record_.seen = deps_.crew.Look(call, {});
  if (!NothingWasMoved(deps_.target, record_.seen)) return;
  Todo stopped;
  for (const TargetNode& node : deps_.target.nodes) {
    const NodeFacts* facts = record_.seen.Of(node);
    if (facts != nullptr && OfThisRun(deps_.target, *facts) &&
        facts->receipt->stage >= Stage::kCommitted)
      stopped.nodes.push_back(node.name);
  }
  if (stopped.nodes.empty()) return;
  const Status back = deps_.executor.Execute(call, Act::kPoliciesBack, *record_.plan, delivery_,
                                             stopped, record_.seen);
  deps_.listener.OnNote(
      back ? "no data was moved: what was stopped was started again, with its restart policies"
           : "what was stopped could not be started again: " + back.error().message);
}

/// The commit was tried and has written nothing: every node was seen, none says committed.
bool Reconciler::NothingWasCommitted() const {
  return record_.seen.errors.empty() &&
         std::all_of(
             deps_.target.nodes.begin(), deps_.target.nodes.end(), [&](const TargetNode& node) {
               const NodeFacts* facts = record_.seen.Of(node);
               if (facts == nullptr || !facts->receipt_error.empty()) return false;
               return !OfThisRun(deps_.target, *facts) || facts->receipt->stage < Stage::kCommitted;
             });
}

Reconciler::Stop Reconciler::BadEnd(const Error& error) const {
  if (committed_) return {Ending::kNeedsAttention, error};
  if (error.reason == "Interrupted") return {Ending::kInterrupted, error};
  if (error.reason == "DeadlineExceeded") return {Ending::kDeadline, error};
  if (error.reason == "LockLost") return {Ending::kLocked, error};
  return {Ending::kPreflightFailed, error};
}

RunView Reconciler::View() const {
  return {deps_.target,
          *record_.plan,
          record_.seen,
          previous_ ? &*previous_ : nullptr,
          deps_.executor.ReplacedFenced(),
          deps_.executor.RkeUpFinished()};
}

void Reconciler::Enter(const Step& step, const Todo& todo) {
  if (record_.step != step.name) record_.attempts.clear();
  if (step.act != Act::kLookAgain) {
    for (const std::string& node : todo.nodes) ++record_.attempts[node];
  }
  record_.step = step.name;
  record_.message = todo.message;
  record_.nodes_to_go = todo.nodes.size();
  if (record_.timeline.empty() || record_.timeline.back().phase != step.phase) {
    Leave();
    record_.timeline.push_back({step.phase, deps_.clock.Now(), std::nullopt, 1});
  }
  Publish();
}

void Reconciler::Leave() {
  if (!record_.timeline.empty() && !record_.timeline.back().finished)
    record_.timeline.back().finished = deps_.clock.Now();
}

void Reconciler::Publish() { deps_.listener.OnProgress(record_); }

}  // namespace etcdrestore
