#include "reconcilers/restore/reconciler.h"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/restore/earlier.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {
namespace {

constexpr LookOptions kFirstLook{.images = true, .etcd = true, .api = true, .kube_nodes = true};

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
  if (!EarlierTime(deps_.target, "pointOfNoReturn")) {
    record_.timeline = {{Phase::kPreflight, record_.started, std::nullopt, 1}};
    record_.step = "Observed";
    record_.message = "looking at the nodes";
    Publish();
    record_.timeline.clear();
  }
  record_.seen = deps_.crew.Look(call, kFirstLook);
  if (Go stop = Latch(call)) return stop;
  if (committed_ && !record_.seen.errors.empty()) {
    if (Go stop = AwaitAll(call)) return stop;
    if (Go stop = Latch(call)) return stop;
  }
  record_.host_keys = deps_.host_keys();
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

/// Half of a restore waits for its nodes: they may be rebooting.
Reconciler::Go Reconciler::AwaitAll(const Call& call) {
  int failures = 0;
  while (!record_.seen.errors.empty()) {
    if (Go stop = OverBudget(call)) return stop;
    const auto& [name, error] = *record_.seen.errors.begin();
    if (error.kind == ErrorKind::kTerminal || request_.mode != RunMode::kRun)
      return BadEnd(error.In("node " + name));
    if (Go stop = TransientTrouble(call, error, failures)) return stop;
    record_.seen = deps_.crew.Look(call, kFirstLook);
  }
  return std::nullopt;
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
