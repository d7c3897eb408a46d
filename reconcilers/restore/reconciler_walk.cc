// The walk along a table of steps: look, judge, one act, again.
#include <fmt/format.h>

#include <algorithm>

#include "operator/base/files.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/reconciler.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

Duration DeadlineOf(const DeadlineSpec& spec, Phase phase) {
  switch (phase) {
    case Phase::kPreflight:
      return spec.preflight;
    case Phase::kCleaned:
      return spec.cleaned;
    case Phase::kFetched:
      return spec.fetched;
    case Phase::kRestored:
      return spec.restored;
    case Phase::kUp:
      return spec.up;
    case Phase::kRestarted:
      return spec.restarted;
  }
  return spec.total;
}

/// Members that API servers write to are compared at a revision that all have reached.
std::int64_t CommonRevision(const Observation& seen) {
  std::int64_t lowest = 0;
  bool api = false;
  for (const auto& [name, facts] : seen.facts) {
    api = api || facts.Running("kube-apiserver");
    if (facts.etcd)
      lowest = lowest == 0 ? facts.etcd->revision : std::min(lowest, facts.etcd->revision);
  }
  return api ? lowest : 0;
}

}  // namespace

Reconciler::Go Reconciler::Walk(const Call& call, std::span<const Step> steps) {
  std::size_t frontier = 0;
  int failures = 0;
  LookOptions options = steps.front().look;
  while (true) {
    if (Go stop = OverBudget(call)) return stop;
    if (!fresh_) {
      if (Go stop = LookForWalk(call, options, failures)) return stop;
      if (!fresh_) continue;
    }
    const Next next = NextStep(steps, frontier, looked_, View());
    frontier = std::max(frontier, next.at);
    if (next.at == steps.size()) break;
    const Step& due = steps[next.at];
    if (!next.judgement) {
      options = due.look;
      fresh_ = false;
      continue;
    }
    if (const auto* refused = std::get_if<Refused>(&*next.judgement)) return BadEnd(refused->error);
    const auto& todo = std::get<Todo>(*next.judgement);
    Enter(due, todo);
    if (due.name == std::string_view("EtcdVerified")) record_.verified.clear();
    options = LookAfterAct(steps, next.at);
    if (Go stop = Act(call, due, todo, options, failures)) return stop;
    fresh_ = false;
  }
  if (steps.data() != PreflightSteps().data()) Leave();
  return std::nullopt;
}

Reconciler::Go Reconciler::LookForWalk(const Call& call, LookOptions options, int& failures) {
  if (options.etcd) options.hash_revision = CommonRevision(record_.seen);
  previous_ = std::exchange(record_.seen, deps_.crew.Look(call, options));
  looked_ = options;
  fresh_ = record_.seen.errors.empty();
  for (const auto& [name, facts] : record_.seen.facts) {
    if (facts.etcd) record_.verified[name] = *facts.etcd;
  }
  if (record_.seen.errors.empty()) {
    awaited_.clear();
    return std::nullopt;
  }
  const auto& [name, error] = *record_.seen.errors.begin();
  if (error.kind == ErrorKind::kTerminal) return BadEnd(error);
  return TransientTrouble(call, error, failures);
}

Reconciler::Go Reconciler::Act(const Call& call, const Step& step, const Todo& todo,
                               const LookOptions& look_after, int& failures) {
  if (step.act == Act::kLookAgain) {
    deps_.wait(call, 300ms);
    return std::nullopt;
  }
  if (step.act == Act::kCommit && !committed_) {
    committed_ = true;
    record_.point_of_no_return = deps_.clock.Now();
    Publish();
  }
  // A stop request lets the act reach its end; only what may take minutes and can be resumed hears
  // it.
  Call one = call.Within(DeadlineOf(deps_.target.object.spec.deadlines, step.phase));
  if (step.act != Act::kRkeUp && step.act != Act::kStage) one.stop = {};
  if (step.act != Act::kRkeUp) deps_.crew.LookWithActs(look_after);
  const Status done =
      deps_.executor.Execute(one, step.act, *record_.plan, delivery_, todo, record_.seen);
  deps_.crew.LookWithActs(std::nullopt);
  if (done) {
    failures = 0;
    return std::nullopt;
  }
  if (done.error().kind == ErrorKind::kTerminal) return BadEnd(done.error());
  return TransientTrouble(call, done.error(), failures);
}

Reconciler::Go Reconciler::TransientTrouble(const Call& call, const Error& error, int& failures) {
  if (error.reason == "Interrupted" || error.reason == "DeadlineExceeded") return BadEnd(error);
  // Past the point of no return a node that does not answer is waited for until the phase's
  // deadline: it may be rebooting, and giving up would leave the cluster down.
  if (committed_ && !record_.seen.errors.empty()) {
    AwaitNode(call);
    return std::nullopt;
  }
  const int attempts = deps_.target.object.spec.attempts;
  if (++failures >= attempts) {
    return BadEnd(
        Terminal(error.reason, fmt::format("{} (tried {} times)", error.message, failures)));
  }
  if (!record_.timeline.empty()) ++record_.timeline.back().attempts;
  deps_.listener.OnNote(
      fmt::format("attempt {} of {} failed: {}", failures, attempts, error.message));
  deps_.wait(call, std::min<Duration>(1s * (1 << std::min(failures - 1, 5)), 15s));
  return std::nullopt;
}

/// Says whom the run waits for, since when and until when; waits the longer the longer it has.
void Reconciler::AwaitNode(const Call& call) {
  const auto& [name, error] = *record_.seen.errors.begin();
  const SystemTime now = deps_.clock.Now();
  if (awaited_ != name) {
    awaited_ = name;
    awaited_since_ = now;
  }
  const auto deadline = PhaseDeadline();
  const SystemTime end =
      deadline ? deadline->second : now + std::chrono::duration_cast<Duration>(call.Left());
  const std::size_t others = record_.seen.errors.size() - 1;
  record_.message = fmt::format(
      "waiting for node {}{} since {}, until {}, the deadline of {}: {}", name,
      others == 0 ? "" : fmt::format(" and {} more", others), FormatTime(awaited_since_),
      FormatTime(end), deadline ? "phase " + PhaseName(deadline->first) : "the run", error.message);
  deps_.listener.OnNote(record_.message);
  Publish();
  deps_.wait(call, std::clamp<Duration>((now - awaited_since_) / 4, 1s, 15s));
}

/// The phase under way and when its time ends.
std::optional<std::pair<Phase, SystemTime>> Reconciler::PhaseDeadline() const {
  if (record_.timeline.empty() || record_.timeline.back().finished) return std::nullopt;
  const PhaseSpan& span = record_.timeline.back();
  return {{span.phase, span.started + DeadlineOf(deps_.target.object.spec.deadlines, span.phase)}};
}

Reconciler::Go Reconciler::OverBudget(const Call& call) const {
  if (const auto over = call.Over()) return BadEnd(*over);
  const auto deadline = PhaseDeadline();
  if (!deadline || deps_.clock.Now() <= deadline->second) return std::nullopt;
  return BadEnd(Transient(
      "DeadlineExceeded",
      fmt::format("phase {} took longer than {}: {}", PhaseName(deadline->first),
                  HumanDuration(DeadlineOf(deps_.target.object.spec.deadlines, deadline->first)),
                  record_.message)));
}

}  // namespace etcdrestore
