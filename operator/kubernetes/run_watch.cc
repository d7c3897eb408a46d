#include "operator/kubernetes/run_watch.h"

#include "operator/kubernetes/status_document.h"
#include "operator/kubernetes/verdict.h"

namespace etcdrestore {

using namespace std::chrono_literals;

RunWatch::RunWatch(Deps deps, const EtcdRestore& object) : deps_(std::move(deps)), object_(object) {
  if (!HalfDone(object)) return;
  for (const auto& span : StatusOf(object).value("timeline", KubeObject::array())) {
    if (span.contains("finishedAt")) told_.insert(TextField(span, "phase"));
  }
}

void RunWatch::OnNote(const std::string& line) {
  deps_.log.Info("Note",
                 {{"namespace", object_.name_space}, {"name", object_.name}, {"note", line}});
}

void RunWatch::OnChecks(const std::vector<Check>& checks) {
  for (const Check& check : checks) {
    if (check.verdict != Verdict::kFailed && check.verdict != Verdict::kUnknown) continue;
    deps_.log.Warn("Check failed", {{"namespace", object_.name_space},
                                    {"name", object_.name},
                                    {"node", check.node},
                                    {"subject", check.subject},
                                    {"seen", check.seen},
                                    {"advice", check.advice}});
  }
}

void RunWatch::OnPlan(const PlanDocument& plan) {
  deps_.events.Record(object_, {false, "PlanMade", "Plan",
                                plan.strategy + ", plan " + plan.hash + ": " + plan.reason});
}

void RunWatch::OnProgress(const RunRecord& record) {
  deps_.log.Info("Progress", {{"namespace", object_.name_space},
                              {"name", object_.name},
                              {"step", record.step},
                              {"message", record.message}});
}

namespace {

bool EndedBadly(Ending ending) {
  return ending == Ending::kFailed || ending == Ending::kPreflightFailed ||
         ending == Ending::kNeedsAttention || ending == Ending::kDeadline;
}

}  // namespace

/// A span counts its attempts; the one under way has not failed unless the run has ended.
void RunWatch::TellAttempts(const RunRecord& record) {
  for (const PhaseSpan& span : record.timeline) {
    const std::string name = PhaseName(span.phase);
    const bool over = !span.finished && EndedBadly(record.ending);
    const int failed = span.attempts - (over ? 0 : 1);
    for (int& told = failures_[name]; told < failed; ++told) deps_.observer.OnAttempt(name, false);
    if (span.finished && !told_.contains(name)) deps_.observer.OnAttempt(name, true);
  }
}

void RunWatch::OnStatus(const nlohmann::ordered_json& status, const RunRecord& record) {
  deps_.observer.OnStatus(object_, status);
  std::vector<std::string> done;
  {
    const std::lock_guard lock(mutex_);
    // Told before all is ready for it, an untouched cluster would pass for half restored.
    const bool too_early = record.point_of_no_return && !prepared_ && !HalfDone(object_);
    if (record.ending == Ending::kRunning && !too_early) deps_.publisher.Offer(status);
    if (record.point_of_no_return && !past_point_) {
      past_point_ = true;
      at_point_ = status;
      if (!HalfDone(object_)) done.emplace_back("Committed");
    }
    TellAttempts(record);
    for (const PhaseSpan& span : record.timeline) {
      const std::string name = PhaseName(span.phase);
      if (span.finished && told_.insert(name).second) done.push_back(name);
    }
  }
  if (record.point_of_no_return) deps_.committed();
  for (const std::string& phase : done) {
    const bool committed = phase == "Committed";
    deps_.events.Record(object_, {false, committed ? "PointOfNoReturn" : phase + "Done", "Restore",
                                  committed ? "from here on there is one direction: forward"
                                            : "phase " + phase + " is observed on all nodes"});
  }
}

Status RunWatch::MayAct(bool changes) {
  if (Status leads = deps_.guard.Check(); !leads) return leads;
  const std::lock_guard lock(mutex_);
  if (!past_point_ || prepared_ || !changes) return {};
  Status ready = deps_.commit();
  // Last, and not when there is time for it: who takes over must know that half is done.
  if (ready) ready = deps_.publisher.WriteNow(Call().Within(30s), at_point_);
  if (!ready) return ready.error().In("before the point of no return");
  prepared_ = true;
  return {};
}

}  // namespace etcdrestore
