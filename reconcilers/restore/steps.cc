#include "reconcilers/restore/steps.h"

#include <algorithm>

#include "reconcilers/restore/judges.h"

namespace etcdrestore {
namespace {

constexpr LookOptions kCheap{};
constexpr LookOptions kHashStaged{.hash_staged = true};
constexpr LookOptions kHashData{.hash_data = true};
constexpr LookOptions kEtcd{.etcd = true};
constexpr LookOptions kApi{.api = true, .kube_nodes = true};
constexpr LookOptions kHealth{.api = true, .kube_nodes = true, .health = true};

constexpr std::array kPreflight = {
    Step{Phase::kPreflight, "Prepared", Act::kPrepare, kCheap, JudgePrepared},
    Step{Phase::kPreflight, "Staged", Act::kStage, kHashStaged, JudgeStaged},
    Step{Phase::kPreflight, "RestoredBeside", Act::kRestoreBeside, kHashData, JudgeRestoredBeside},
    Step{Phase::kPreflight, "EqualBeside", Act::kRestoreBeside, kCheap, JudgeEqualBeside},
};

// Order is safety: no writer while data moves, no etcd before all data is proved, no API server
// before all members agree, no controller before every API server is ready.
constexpr std::array kInPlace = {
    Step{Phase::kCleaned, "Committed", Act::kCommit, kCheap, JudgeCommitted},
    Step{Phase::kCleaned, "PoliciesOff", Act::kPoliciesOff, kCheap, JudgePoliciesOff},
    Step{Phase::kCleaned, "WritersStopped", Act::kStopWriters, kCheap, JudgeWritersStopped},
    Step{Phase::kCleaned, "EtcdStopped", Act::kStopEtcd, kCheap, JudgeEtcdStopped},
    Step{Phase::kCleaned, "OldDataAside", Act::kMoveAside, kCheap, JudgeOldDataAside},
    Step{Phase::kFetched, "Fetched", Act::kStage, kHashStaged, JudgeStaged},
    Step{Phase::kRestored, "InPlace", Act::kPutInPlace, kCheap, JudgeInPlace},
    Step{Phase::kRestored, "Proved", Act::kLookAgain, kHashData, JudgeProved},
    Step{Phase::kRestored, "Recorded", Act::kRecordRestored, kCheap, JudgeRecorded},
    Step{Phase::kUp, "EtcdStarted", Act::kStartEtcd, kCheap, JudgeEtcdStarted},
    Step{Phase::kUp, "EtcdVerified", Act::kLookAgain, kEtcd, JudgeEtcdVerified},
    Step{Phase::kUp, "ApiServersStarted", Act::kStartApiServers, kCheap, JudgeApiStarted},
    Step{Phase::kUp, "ApiServersReady", Act::kLookAgain, kApi, JudgeApiReady},
    Step{Phase::kRestarted, "ControllersStarted", Act::kStartControllers, kCheap,
         JudgeControllersStarted},
    Step{Phase::kRestarted, "KubeletsRestarted", Act::kRestartKubelets, kCheap,
         JudgeKubeletsRestarted},
    Step{Phase::kRestarted, "NetworkRestarted", Act::kRestartNetwork, kCheap,
         JudgeNetworkRestarted},
    Step{Phase::kRestarted, "PoliciesBack", Act::kPoliciesBack, kCheap, JudgePoliciesBack},
    Step{Phase::kRestarted, "NetworkPodsRestarted", Act::kDeletePods, kHealth,
         JudgeNetworkPodsRestarted},
    Step{Phase::kRestarted, "Settled", Act::kLookAgain, kHealth, JudgeSettled},
    Step{Phase::kRestarted, "Finished", Act::kFinish, kCheap, JudgeFinished},
    Step{Phase::kRestarted, "OldDataPurged", Act::kPurge, kCheap, JudgeOldDataPurged},
};

constexpr std::array kRebuild = {
    Step{Phase::kCleaned, "Committed", Act::kCommit, kCheap, JudgeCommitted},
    Step{Phase::kCleaned, "ReplacedFenced", Act::kFenceReplaced, kCheap, JudgeReplacedFenced},
    Step{Phase::kCleaned, "PoliciesOff", Act::kPoliciesOff, kCheap, JudgePoliciesOff},
    Step{Phase::kCleaned, "WritersStopped", Act::kStopWriters, kCheap, JudgeWritersStopped},
    Step{Phase::kCleaned, "EtcdStopped", Act::kStopEtcd, kCheap, JudgeEtcdStopped},
    Step{Phase::kCleaned, "OldDataAside", Act::kMoveAside, kCheap, JudgeOldDataAside},
    Step{Phase::kCleaned, "ContainersRemoved", Act::kRemoveContainers, kCheap,
         JudgeContainersRemoved},
    Step{Phase::kCleaned, "PathsCleaned", Act::kCleanPaths, kCheap, JudgePathsCleaned},
    Step{Phase::kFetched, "Fetched", Act::kStage, kHashStaged, JudgeStaged},
    Step{Phase::kRestored, "InPlace", Act::kPutInPlace, kCheap, JudgeInPlace},
    Step{Phase::kRestored, "Proved", Act::kLookAgain, kHashData, JudgeProved},
    Step{Phase::kRestored, "Recorded", Act::kRecordRestored, kCheap, JudgeRecorded},
    Step{Phase::kUp, "RkeUp", Act::kRkeUp, kCheap, JudgeRkeUp},
    Step{Phase::kUp, "EtcdVerified", Act::kLookAgain, kEtcd, JudgeEtcdVerified},
    Step{Phase::kUp, "ApiServersReady", Act::kLookAgain, kApi, JudgeApiReady},
    Step{Phase::kRestarted, "StaleNodesGone", Act::kRemoveStaleNodes, kApi, JudgeStaleNodesGone},
    Step{Phase::kRestarted, "KubeletsRestarted", Act::kRestartKubelets, kCheap,
         JudgeKubeletsRestarted},
    Step{Phase::kRestarted, "NetworkRestarted", Act::kRestartNetwork, kCheap,
         JudgeNetworkRestarted},
    Step{Phase::kRestarted, "NetworkPodsRestarted", Act::kDeletePods, kHealth,
         JudgeNetworkPodsRestarted},
    Step{Phase::kRestarted, "Settled", Act::kLookAgain, kHealth, JudgeSettled},
    Step{Phase::kRestarted, "Finished", Act::kFinish, kCheap, JudgeFinished},
    Step{Phase::kRestarted, "OldDataPurged", Act::kPurge, kCheap, JudgeOldDataPurged},
};

}  // namespace

std::string PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kPreflight:
      return "Preflight";
    case Phase::kCleaned:
      return "Cleaned";
    case Phase::kFetched:
      return "Fetched";
    case Phase::kRestored:
      return "Restored";
    case Phase::kUp:
      return "Up";
    case Phase::kRestarted:
      return "Restarted";
  }
  return "";
}

std::optional<Phase> PhaseNamed(std::string_view name) {
  const auto* found = std::find_if(kPhases.begin(), kPhases.end(),
                                   [&](Phase phase) { return PhaseName(phase) == name; });
  return found == kPhases.end() ? std::nullopt : std::optional(*found);
}

std::span<const Step> PreflightSteps() { return kPreflight; }

std::span<const Step> StepsOf(StrategyKind strategy) {
  if (strategy == StrategyKind::kInPlace) return kInPlace;
  return kRebuild;
}

LookOptions LookAfterAct(std::span<const Step> steps, std::size_t at) {
  LookOptions both = steps[at].look;
  if (at + 1 == steps.size()) return both;
  const LookOptions& next = steps[at + 1].look;
  both.images |= next.images;
  both.hash_staged |= next.hash_staged;
  both.hash_data |= next.hash_data;
  // A server that was started this moment holds whoever asks it for seconds: not asked yet.
  return both;
}

bool Covers(const LookOptions& looked, const LookOptions& needed) {
  const auto covers = [](bool has, bool needs) { return has || !needs; };
  return covers(looked.images, needed.images) && covers(looked.hash_staged, needed.hash_staged) &&
         covers(looked.hash_data, needed.hash_data) && covers(looked.etcd, needed.etcd) &&
         covers(looked.api, needed.api) && covers(looked.kube_nodes, needed.kube_nodes) &&
         covers(looked.health, needed.health);
}

Next NextStep(std::span<const Step> steps, std::size_t frontier, const LookOptions& looked,
              const RunView& view) {
  const bool closed = DestructiveStepsClosed(view);
  for (std::size_t at = 0; at < steps.size(); ++at) {
    const Step& step = steps[at];
    if (closed && step.phase < Phase::kUp) continue;
    if (!Covers(looked, step.look)) {
      if (at < frontier)
        continue;  // judged before in this process; cheap facts beside it are judged again
      return {at, std::nullopt};
    }
    Judgement judgement = step.judge(view);
    if (!std::holds_alternative<Done>(judgement)) return {at, std::move(judgement)};
  }
  return {steps.size(), std::nullopt};
}

}  // namespace etcdrestore
