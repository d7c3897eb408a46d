#pragma once

#include "reconcilers/restore/steps.h"

namespace etcdrestore {

/// The goals of the step tables, one pure function each: what must be seen, on which nodes.

// Preflight
Judgement JudgePrepared(const RunView& view);
Judgement JudgeStaged(const RunView& view);
Judgement JudgeRestoredBeside(const RunView& view);
Judgement JudgeEqualBeside(const RunView& view);
// Cleaned
Judgement JudgeCommitted(const RunView& view);
Judgement JudgeReplacedFenced(const RunView& view);
Judgement JudgePoliciesOff(const RunView& view);
Judgement JudgeWritersStopped(const RunView& view);
Judgement JudgeEtcdStopped(const RunView& view);
Judgement JudgeOldDataAside(const RunView& view);
Judgement JudgeContainersRemoved(const RunView& view);
Judgement JudgePathsCleaned(const RunView& view);
// Fetched, Restored
Judgement JudgeInPlace(const RunView& view);
Judgement JudgeProved(const RunView& view);
Judgement JudgeRecorded(const RunView& view);
// Up
Judgement JudgeEtcdStarted(const RunView& view);
Judgement JudgeEtcdVerified(const RunView& view);
Judgement JudgeApiStarted(const RunView& view);
Judgement JudgeApiReady(const RunView& view);
Judgement JudgeRkeUp(const RunView& view);
// Restarted
Judgement JudgeControllersStarted(const RunView& view);
Judgement JudgeKubeletsRestarted(const RunView& view);
Judgement JudgeNetworkRestarted(const RunView& view);
Judgement JudgeNetworkPodsRestarted(const RunView& view);
Judgement JudgeStaleNodesGone(const RunView& view);
Judgement JudgePoliciesBack(const RunView& view);
Judgement JudgeSettled(const RunView& view);
Judgement JudgeFinished(const RunView& view);
Judgement JudgeOldDataPurged(const RunView& view);

/// Containers that write to etcd or make snapshots of it: they are off from Cleaned until Up.
const std::vector<std::string>& WriterContainers();
/// These and etcd: what docker must not start by itself while data moves.
const std::vector<std::string>& GuardedContainers();
/// Names of running network containers that were started before the restore.
std::vector<std::string> NetworkContainersToRestart(const NodeFacts& facts);
/// The control plane node that tells of network pods, and those from before the restore whose
/// containers no docker shows: what docker shows is restarted there, and keeps its pod's time.
struct StalePods {
  const TargetNode* told_by = nullptr;  ///< null: no API server told
  std::vector<NetworkPod> pods;
};
StalePods StaleNetworkPods(const Target& target, const Observation& seen);
/// What Rebuild removes of a node: rke's and the kubelet's containers, or with clean.containers All
/// every one.
std::vector<std::string> ContainersToRemove(const Target& target, const NodeFacts& facts);
/// Containers that are neither rke's nor the kubelet's.
std::vector<std::string> ForeignContainers(const NodeFacts& facts);
/// rke's one-shot containers left by an earlier try (facts/rke.md 1.8), not running.
std::vector<std::string> OneShotLeftovers(const NodeFacts& facts);
/// Rebuild cleans etcd, control plane and replacement nodes; workers only when asked.
bool IsCleaned(const Target& target, const TargetNode& node);

}  // namespace etcdrestore
