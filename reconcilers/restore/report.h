#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/restore/plan_document.h"
#include "reconcilers/restore/steps.h"

namespace etcdrestore {

/// How a run ended, or where it stands when it has not.
enum class Ending {
  kRunning,
  kDone,              ///< exit 0
  kFailed,            ///< exit 1: finished earlier and the cluster is not up
  kRejected,          ///< exit 2: invalid, or the runID was used with another spec
  kPreflightFailed,   ///< exit 3: nothing was changed
  kNeedsAttention,    ///< exit 4: any bad end after the point of no return
  kAwaitingApproval,  ///< exit 5
  kLocked,            ///< exit 6
  kCancelled,         ///< exit 7
  kDeadline,          ///< exit 124: before the point of no return
  kInterrupted,       ///< exit 130: before the point of no return
};
int ExitCode(Ending ending);

struct PhaseSpan {
  Phase phase = Phase::kPreflight;
  SystemTime started{};
  std::optional<SystemTime> finished;
  int attempts = 1;
};

/// Everything that the status says. Filled while the run goes on; a report, never read by a
/// decision.
struct RunRecord {
  Ending ending = Ending::kRunning;
  Error error;  ///< of a bad end
  SystemTime started{};
  std::optional<SystemTime> completed;
  std::optional<SystemTime> point_of_no_return;
  std::string step;
  std::string message;
  std::size_t nodes_to_go = 0;          ///< where the step's goal is unmet
  std::map<std::string, int> attempts;  ///< by node: acts of the present step begun there
  std::vector<PhaseSpan> timeline;
  std::vector<Check> checks;
  std::vector<std::string> notes;
  std::optional<RunPlan> plan;
  std::optional<PlanDocument> document;
  Observation seen;                           ///< newest look
  std::map<std::string, EtcdFacts> verified;  ///< what each member answered when Up was judged
  std::map<std::string, std::string> host_keys;
};

/// The document of `status` (design 5). Pure.
nlohmann::ordered_json ToStatus(const Target& target, const RunRecord& record, SystemTime now);

/// The state of every node and what a person does next; for bad ends after the point of no return.
std::string WhereThingsStand(const Target& target, const RunRecord& record);

}  // namespace etcdrestore
