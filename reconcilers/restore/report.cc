#include "reconcilers/restore/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/restore/earlier.h"
#include "reconcilers/restore/identity.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

std::string PhaseText(const RunRecord& record) {
  switch (record.ending) {
    case Ending::kRunning:
      return record.timeline.empty() ? "Pending" : PhaseName(record.timeline.back().phase);
    case Ending::kDone:
      return "Succeeded";
    case Ending::kFailed:
    case Ending::kPreflightFailed:
    case Ending::kNeedsAttention:
    case Ending::kDeadline:
      return "Failed";
    case Ending::kRejected:
      return "Rejected";
    case Ending::kAwaitingApproval:
      return "AwaitingApproval";
    case Ending::kLocked:
    case Ending::kInterrupted:
      return "Pending";
    case Ending::kCancelled:
      return "Cancelled";
  }
  return "";
}

/// Not at an end: by itself, or when a person has said yes, it goes on.
bool GoesOn(Ending ending) {
  return ending == Ending::kRunning || ending == Ending::kAwaitingApproval ||
         ending == Ending::kLocked || ending == Ending::kInterrupted;
}

/// Phases are walked in their order: those before the present one are done, also where an earlier
/// process did them or nothing was to be done. Only a plan is at its good end after Preflight.
std::size_t PhasesDone(const RunRecord& record) {
  const bool done = record.ending == Ending::kDone;
  if (record.timeline.empty()) return done ? kPhases.size() : (record.point_of_no_return ? 1 : 0);
  const PhaseSpan& last = record.timeline.back();
  if (done && last.phase != Phase::kPreflight) return kPhases.size();
  const auto* at = std::find(kPhases.begin(), kPhases.end(), last.phase);
  return static_cast<std::size_t>(at - kPhases.begin()) + (last.finished ? 1 : 0);
}

/// "3/6 2/4 nodes": phases done, and nodes where the goal of the present step is met.
std::string Progress(const Target& target, const RunRecord& record) {
  std::string phases = fmt::format("{}/6", PhasesDone(record));
  if (record.ending != Ending::kRunning || record.nodes_to_go == 0) return phases;
  return fmt::format("{} {}/{} nodes", phases, target.nodes.size() - record.nodes_to_go,
                     target.nodes.size());
}

Json Condition(const char* type, const char* status, const std::string& reason,
               const std::string& message, const Target& target, SystemTime when) {
  return {{"type", type},
          {"status", status},
          {"reason", reason},
          {"message", message},
          {"observedGeneration", target.object.generation},
          {"lastTransitionTime", FormatTime(when)}};
}

Json PhaseConditions(const Target& target, const RunRecord& record, SystemTime now) {
  Json conditions = Json::array();
  const std::size_t done = PhasesDone(record);
  for (std::size_t at = 0; at < kPhases.size(); ++at) {
    const Phase phase = kPhases[at];
    const auto span = std::find_if(record.timeline.begin(), record.timeline.end(),
                                   [phase](const PhaseSpan& s) { return s.phase == phase; });
    const std::string name = PhaseName(phase);
    const bool begun = span != record.timeline.end();
    if (at < done) {
      conditions.push_back(Condition(name.c_str(), "True", "Observed", "", target,
                                     begun ? span->finished.value_or(now) : record.started));
    } else if (!begun) {
      conditions.push_back(
          Condition(name.c_str(), "Unknown", "NotStarted", "", target, record.started));
    } else {
      const bool bad = record.ending != Ending::kDone && !GoesOn(record.ending);
      conditions.push_back(Condition(
          name.c_str(), bad ? "False" : "Unknown", bad ? record.error.reason : record.step,
          bad ? record.error.message : record.message, target, bad ? now : span->started));
    }
  }
  return conditions;
}

Json Conditions(const Target& target, const RunRecord& record, SystemTime now) {
  Json conditions = PhaseConditions(target, record, now);
  const bool done = record.ending == Ending::kDone;
  const bool running = record.ending == Ending::kRunning;
  const bool waiting = GoesOn(record.ending);
  const char* summary = done ? "True" : (waiting ? "Unknown" : "False");
  const std::string reason =
      done ? "Verified" : (record.error.reason.empty() ? "InProgress" : record.error.reason);
  const std::string& message = done || running ? record.message : record.error.message;
  if (record.document && !record.document->approval_reason.empty()) {
    const bool held = record.ending == Ending::kAwaitingApproval;
    conditions.push_back(Condition("Approved", held ? "False" : "True",
                                   held ? "AwaitingApproval" : "PlanApproved",
                                   record.document->approval_reason, target, now));
  } else if (const Json* told = EarlierCondition(target, "Approved");
             told != nullptr && !record.document && record.point_of_no_return) {
    conditions.push_back(*told);
    conditions.back()["observedGeneration"] = target.object.generation;
  }
  for (const char* type : {"Succeeded", "Ready"})
    conditions.push_back(Condition(type, summary, reason, message, target, now));
  conditions.push_back(
      Condition("Failed", !done && !waiting ? "True" : "False", reason, message, target, now));
  // For GitOps tools Stalled is failed: only an end that is bad for good is called so.
  if (running)
    conditions.push_back(Condition("Reconciling", "True",
                                   record.step.empty() ? "Starting" : record.step, message, target,
                                   now));
  else if (waiting)
    conditions.push_back(Condition("Reconciling", "True", reason, message, target, now));
  else if (!done)
    conditions.push_back(Condition("Stalled", "True", reason, message, target, now));
  return conditions;
}

Json NodeStatus(const Target& target, const TargetNode& node, const RunRecord& record) {
  Json status = {{"name", node.name}, {"address", node.node.address}, {"roles", node.node.roles}};
  const NodeFacts* facts = record.seen.Of(node);
  if (facts == nullptr) {
    const auto error = record.seen.errors.find(node.name);
    status["phase"] = "Unknown";
    if (error != record.seen.errors.end()) status["message"] = error->second.message;
  } else {
    const bool ours = OfThisRun(target, *facts);
    status["phase"] = ours ? StageName(facts->receipt->stage) : "untouched";
    if (ours && node.etcd && facts->receipt->stage != Stage::kPrepared &&
        IsKept(target, *facts, facts->receipt->old_data_path))
      status["oldDataPath"] = facts->receipt->old_data_path;
  }
  if (const auto tries = record.attempts.find(node.name); tries != record.attempts.end())
    status["attempts"] = tries->second;
  if (const auto key = record.host_keys.find(node.name); key != record.host_keys.end())
    status["hostKeyFingerprint"] = key->second;
  if (const auto member = record.verified.find(node.name); member != record.verified.end()) {
    status["member"] = {{"id", HexId(member->second.member_id)},
                        {"revision", member->second.revision},
                        {"hashKV", member->second.hash}};
  }
  return status;
}

void AddSnapshot(const RunPlan& plan, Json& status) {
  const SnapshotFacts& facts = plan.snapshot.facts;
  status["snapshot"] = {{"name", plan.snapshot.name},
                        {"source", plan.snapshot.source},
                        {"sha256", facts.sha256},
                        {"sizeBytes", facts.size_bytes},
                        {"takenAt", FormatTime(plan.snapshot.taken_at)},
                        {"revision", facts.revision},
                        {"totalKeys", facts.total_keys},
                        {"liveKeys", facts.live_keys},
                        {"bumpedBy", plan.bump}};
}

bool PoliciesAreOff(const Observation& seen) {
  return std::any_of(seen.facts.begin(), seen.facts.end(), [](const auto& entry) {
    return std::any_of(GuardedContainers().begin(), GuardedContainers().end(),
                       [&](const std::string& name) {
                         const ContainerFacts* container = entry.second.Container(name);
                         return container != nullptr && container->policy == "no";
                       });
  });
}

}  // namespace

int ExitCode(Ending ending) {
  switch (ending) {
    case Ending::kRunning:
    case Ending::kDone:
      return 0;
    case Ending::kFailed:
      return 1;
    case Ending::kRejected:
      return 2;
    case Ending::kPreflightFailed:
      return 3;
    case Ending::kNeedsAttention:
      return 4;
    case Ending::kAwaitingApproval:
      return 5;
    case Ending::kLocked:
      return 6;
    case Ending::kCancelled:
      return 7;
    case Ending::kDeadline:
      return 124;
    case Ending::kInterrupted:
      return 130;
  }
  return 1;
}

nlohmann::ordered_json ToStatus(const Target& target, const RunRecord& record, SystemTime now) {
  Json status = {{"observedGeneration", target.object.generation},
                 {"phase", PhaseText(record)},
                 {"progress", Progress(target, record)},
                 {"runID", target.object.spec.run_id}};
  if (record.plan) AddSnapshot(*record.plan, status);
  if (record.document) {
    const PlanDocument& plan = *record.document;
    status["plan"] = {{"hash", plan.hash},         {"strategy", plan.strategy},
                      {"reason", plan.reason},     {"summary", plan.summary},
                      {"destroys", plan.destroys}, {"keeps", plan.keeps}};
  }
  // Past the point of no return no plan is made anew: an earlier process told of it.
  if (const Json* told = EarlierPlan(target); told != nullptr && !record.document)
    status["plan"] = *told;
  status["nodes"] = Json::array();
  for (const TargetNode& node : target.nodes)
    status["nodes"].push_back(NodeStatus(target, node, record));
  if (record.point_of_no_return) status["pointOfNoReturn"] = FormatTime(*record.point_of_no_return);
  status["timeline"] = Json::array();
  for (const PhaseSpan& span : record.timeline) {
    Json entry = {{"phase", PhaseName(span.phase)},
                  {"startedAt", FormatTime(span.started)},
                  {"attempts", span.attempts}};
    if (span.finished) entry["finishedAt"] = FormatTime(*span.finished);
    entry["result"] =
        span.finished ? "Done" : (record.ending == Ending::kRunning ? "Running" : "Stopped");
    status["timeline"].push_back(entry);
  }
  status["startTime"] = FormatTime(record.started);
  if (record.completed) status["completionTime"] = FormatTime(*record.completed);
  status["conditions"] = Conditions(target, record, now);
  return status;
}

std::string WhereThingsStand(const Target& target, const RunRecord& record) {
  std::string text;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = record.seen.Of(node);
    text += "  node " + node.name + ": ";
    if (facts == nullptr) {
      text += "not seen at the last look\n";
      continue;
    }
    const auto running = [&](const char* name) {
      return facts->Container(name) == nullptr ? "absent"
                                               : (facts->Running(name) ? "running" : "stopped");
    };
    text +=
        fmt::format("stage {}", facts->receipt ? StageName(facts->receipt->stage) : "untouched");
    if (node.etcd) text += fmt::format(", etcd {}", running("etcd"));
    if (node.controlplane) text += fmt::format(", kube-apiserver {}", running("kube-apiserver"));
    if (node.etcd && facts->receipt && IsKept(target, *facts, facts->receipt->old_data_path))
      text += ", old data in " + facts->receipt->old_data_path;
    text += "\n";
  }
  if (!PoliciesAreOff(record.seen)) return text;
  return text +
         "  restart policies of etcd and the control plane stay off until the run goes on, so that "
         "nothing starts by itself\n";
}

}  // namespace etcdrestore
