#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reconcilers/restore/machine.h"
#include "reconcilers/restore/target.h"

namespace etcdrestore {

enum class Phase { kPreflight, kCleaned, kFetched, kRestored, kUp, kRestarted };
inline constexpr std::array<Phase, 6> kPhases = {Phase::kPreflight, Phase::kCleaned,
                                                 Phase::kFetched,   Phase::kRestored,
                                                 Phase::kUp,        Phase::kRestarted};
std::string PhaseName(Phase phase);
std::optional<Phase> PhaseNamed(std::string_view name);

/// The acts that bring a goal nearer. Each is idempotent on a node.
enum class Act {
  kLookAgain,  ///< nothing to do but wait: the world must change
  kPrepare,
  kStage,
  kRestoreBeside,
  kCommit,
  kFenceReplaced,
  kPoliciesOff,
  kStopWriters,
  kStopEtcd,
  kMoveAside,
  kRemoveContainers,
  kCleanPaths,
  kPutInPlace,
  kRecordRestored,
  kStartEtcd,
  kStartApiServers,
  kRkeUp,
  kStartControllers,
  kRestartKubelets,
  kRestartNetwork,
  kDeletePods,
  kRemoveStaleNodes,
  kPoliciesBack,
  kFinish,
  kPurge,
};

/// How a goal stands, judged from one observation.
struct Done {};
struct Todo {
  std::vector<std::string> nodes;  ///< the nodes where it is unmet
  std::string message;
};
struct Refused {
  Error error;
};
using Judgement = std::variant<Done, Todo, Refused>;

/// What a judge may look at. Borrowed for the call.
struct RunView {
  const Target& target;
  const RunPlan& plan;
  const Observation& seen;
  const Observation* previous = nullptr;  ///< the look before, to compare counters with
  bool replaced_fenced =
      false;  ///< each replaced node was stopped or found not to answer, in this process
  bool rke_up_finished = false;  ///< rke ended with success and its finish line in this run
};

/// One row: a goal, how it is observed, the act. Rows are finished on all nodes before the next
/// begins.
struct Step {
  Phase phase = Phase::kPreflight;
  const char* name = "";
  Act act = Act::kLookAgain;
  LookOptions look;                              ///< what the judge needs to see
  Judgement (*judge)(const RunView&) = nullptr;  ///< pure
};

/// Rows before anything of the cluster is touched.
std::span<const Step> PreflightSteps();
/// Rows from the point of no return to the end.
std::span<const Step> StepsOf(StrategyKind strategy);

/// True when every etcd node's receipt says this run's data is in place: Cleaned, Fetched and
/// Restored are closed then and are never judged again (design 2).
bool DestructiveStepsClosed(const RunView& view);

/// Where the run stands: the row `at` is the first unmet one. Without a judgement it needs a look
/// of its own kind first. `at` past the end: all met.
struct Next {
  std::size_t at = 0;
  std::optional<Judgement> judgement;
};
/// Judges every row that the look covers, in order. Rows before `frontier` that it does not cover
/// were judged earlier in this process and are not looked at again; cheap ones always are, so that
/// a container that fell over since is started again. Pure.
Next NextStep(std::span<const Step> steps, std::size_t frontier, const LookOptions& looked,
              const RunView& view);

/// What to look at after the act of the row `at`: what its judge needs and the next row's, so that
/// one look serves both when the act has done its work. Servers are not asked ahead.
LookOptions LookAfterAct(std::span<const Step> steps, std::size_t at);

/// True when a look with `looked` holds all that `needed` asks for.
bool Covers(const LookOptions& looked, const LookOptions& needed);

}  // namespace etcdrestore
