// Goals from Preflight to Restored: nothing here may be judged again once the receipts say
// restored.
#include <algorithm>
#include <array>
#include <set>

#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/judging.h"

namespace etcdrestore {
namespace {

using Unmet = std::optional<std::string>;

bool OursWithStage(const RunView& view, const NodeFacts& facts, Stage stage) {
  return OfThisRun(view.target, facts) && facts.receipt->stage >= stage;
}

Unmet NoneRunning(const NodeFacts& facts, const std::vector<std::string>& names) {
  if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
  for (const std::string& name : names) {
    if (facts.Running(name)) return name + " still runs";
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& WriterContainers() {
  static const std::vector<std::string> names = {
      "etcd-rolling-snapshots", "kube-controller-manager", "kube-scheduler", "kube-apiserver"};
  return names;
}

const std::vector<std::string>& GuardedContainers() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = WriterContainers();
    all.emplace_back("etcd");
    return all;
  }();
  return names;
}

bool IsCleaned(const Target& target, const TargetNode& node) {
  return node.etcd || node.controlplane || node.replacement || target.object.spec.clean.workers;
}

std::vector<std::string> OneShotLeftovers(const NodeFacts& facts) {
  static const std::set<std::string> kNames = {"etcd-extract-statefile",
                                               "etcd-Serve-backup",
                                               "etcd-download-backup",
                                               "etcd-checksum-checker",
                                               "etcd-restore",
                                               "etcd-remove-snapshot",
                                               "etcd-snapshot-once",
                                               "etcd-fix-perm",
                                               "kube-cleaner",
                                               "rke-log-cleaner",
                                               "rke-log-linker",
                                               "rke-bundle-cert",
                                               "cert-deployer",
                                               "cert-fetcher",
                                               "cluster-state-deployer",
                                               "extract-statefile-configmap",
                                               "file-deployer",
                                               "rke-port-checker",
                                               "rke-etcd-port-listener",
                                               "rke-cp-port-listener",
                                               "rke-worker-port-listener",
                                               "rke-selinux-checker"};
  std::vector<std::string> names;
  if (!facts.containers) return names;
  for (const ContainerFacts& container : *facts.containers) {
    if (kNames.contains(container.name)) names.push_back(container.name);
  }
  return names;
}

namespace {

bool IsOfTheCluster(const ContainerFacts& container) {
  // rke's names, facts/rke.md 3.1; a label alone is not asked of them, old rke versions set none.
  static const std::set<std::string> kNames = {"etcd",
                                               "etcd-rolling-snapshots",
                                               "kube-apiserver",
                                               "kube-controller-manager",
                                               "kube-scheduler",
                                               "kubelet",
                                               "kube-proxy",
                                               "nginx-proxy",
                                               "service-sidekick"};
  return kNames.contains(container.name) || container.rke || container.name.starts_with("k8s_");
}

}  // namespace

std::vector<std::string> ForeignContainers(const NodeFacts& facts) {
  const std::vector<std::string> one_shots = OneShotLeftovers(facts);
  std::vector<std::string> names;
  if (!facts.containers) return names;
  for (const ContainerFacts& container : *facts.containers) {
    const bool one_shot =
        std::find(one_shots.begin(), one_shots.end(), container.name) != one_shots.end();
    if (!one_shot && !IsOfTheCluster(container)) names.push_back(container.name);
  }
  return names;
}

std::vector<std::string> ContainersToRemove(const Target& target, const NodeFacts& facts) {
  std::vector<std::string> names;
  if (!facts.containers) return names;
  for (const ContainerFacts& container : *facts.containers) names.push_back(container.name);
  if (!target.object.spec.clean.all_containers) {
    for (const std::string& foreign : ForeignContainers(facts)) std::erase(names, foreign);
  }
  // The kubelet goes first, or it brings the pods back.
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name == "kubelet"; });
  return names;
}

Judgement JudgePrepared(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!OursWithStage(view, facts, Stage::kPrepared)) return "has no receipt of this run";
    const Receipt& receipt = *facts.receipt;
    if (receipt.snapshot_sha256 != view.plan.snapshot.facts.sha256)
      return "its receipt names another snapshot";
    // A later process resumes from the receipts: they must say what this one is about to do.
    if (receipt.strategy != StrategyName(view.plan.strategy) ||
        receipt.bumped_by != view.plan.bump || receipt.spec_digest != view.target.spec_digest)
      return "its receipt is of an earlier plan";
    return std::nullopt;
  });
}

Judgement JudgeStaged(const RunView& view) {
  const SnapshotFacts& wanted = view.plan.snapshot.facts;
  return EachNode(view, OnEtcd, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (facts.data.staged_size == 0) return "the snapshot is not staged yet";
    if (facts.data.staged_size != wanted.size_bytes || facts.data.staged_sha256 != wanted.sha256) {
      return "the staged snapshot is not the verified one: sha256 " + facts.data.staged_sha256;
    }
    return std::nullopt;
  });
}

Judgement JudgeRestoredBeside(const RunView& view) {
  return EachNode(view, OnEtcd, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    const bool here =
        facts.data.restored_run == view.target.run || facts.data.member_run == view.target.run;
    if (!here) return "not restored beside the live data yet";
    if (!facts.receipt || facts.receipt->restored_db_sha256.empty())
      return "restored, not yet noted in the receipt";
    if (facts.receipt->restored_db_sha256 != facts.data.db_sha256)
      return "the restored copy changed since it was made";
    return std::nullopt;
  });
}

Judgement JudgeEqualBeside(const RunView& view) {
  std::set<std::string> files;
  std::set<std::string> hashes;
  std::vector<std::string> not_hashed;
  for (const TargetNode* node : view.target.EtcdNodes()) {
    const NodeFacts* facts = view.seen.Of(*node);
    if (facts == nullptr || !facts->receipt) return Todo{{node->name}, node->name + ": not seen"};
    files.insert(facts->receipt->restored_db_sha256);
    hashes.insert(facts->receipt->restored_db_hash);
    if (facts->receipt->restored_db_hash.empty()) not_hashed.push_back(node->name);
  }
  // The same bytes are the same content; other bytes may be, which the etcd tool's hash tells.
  if (files.size() == 1 && !files.contains("")) return Done{};
  if (!not_hashed.empty())
    return Todo{not_hashed,
                "the restored copies are not the same file on all nodes, comparing "
                "their contents"};
  if (hashes.size() == 1) return Done{};
  std::string each;
  for (const TargetNode* node : view.target.EtcdNodes())
    each += " " + node->name + " " + view.seen.Of(*node)->receipt->restored_db_hash;
  return Refused{Terminal("RestoredCopiesDiffer",
                          "the same snapshot restored on each node gave different databases "
                          "(hashes:" +
                              each +
                              "); nothing was changed. Check the disks of these "
                              "nodes")};
}

Judgement JudgeCommitted(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!OursWithStage(view, facts, Stage::kCommitted))
      return "not yet past the point of no return";
    return std::nullopt;
  });
}

Judgement JudgeReplacedFenced(const RunView& view) {
  if (view.replaced_fenced || view.target.replaced.empty()) return Done{};
  return Todo{{},
              "node " + view.target.replaced.front().name +
                  ", which is replaced, has not been asked whether it still runs"};
}

Judgement JudgePoliciesOff(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
    for (const std::string& name : GuardedContainers()) {
      const ContainerFacts* container = facts.Container(name);
      if (container != nullptr && container->policy != "no")
        return name + " would be started again by docker";
    }
    return std::nullopt;
  });
}

Judgement JudgeWritersStopped(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) {
    return NoneRunning(facts, WriterContainers());
  });
}

Judgement JudgeEtcdStopped(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) {
    return NoneRunning(facts, {"etcd"});
  });
}

Judgement JudgeOldDataAside(const RunView& view) {
  return EachNode(view, OnEtcd, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (facts.data.member_exists && facts.data.member_run != view.target.run)
      return "the old data is still in place";
    if (!facts.data.kept_exists) return "the old data is not kept yet";
    return std::nullopt;
  });
}

Judgement JudgeContainersRemoved(const RunView& view) {
  return EachNode(
      view, [&](const TargetNode& node) { return IsCleaned(view.target, node); },
      [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
        if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
        const auto left = ContainersToRemove(view.target, facts);
        if (!left.empty())
          return std::to_string(left.size()) + " containers are left that shall go, " +
                 left.front();
        return std::nullopt;
      });
}

Judgement JudgePathsCleaned(const RunView& view) {
  return EachNode(
      view, [&](const TargetNode& node) { return IsCleaned(view.target, node); },
      [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
        if (!facts.left_paths.empty()) return facts.left_paths.front() + " is not empty";
        return std::nullopt;
      });
}

Judgement JudgeInPlace(const RunView& view) {
  return EachNode(view, OnEtcd, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (facts.data.member_run != view.target.run) return "the restored data is not in place yet";
    return std::nullopt;
  });
}

Judgement JudgeProved(const RunView& view) {
  for (const TargetNode* node : view.target.EtcdNodes()) {
    const NodeFacts* facts = view.seen.Of(*node);
    if (facts == nullptr || !facts->receipt) return Todo{{node->name}, node->name + ": not seen"};
    if (OursWithStage(view, *facts, Stage::kRestored)) continue;
    if (facts->data.db_sha256 != facts->receipt->restored_db_sha256) {
      return Refused{
          Terminal("RestoredDataChanged",
                   "on node " + node->name +
                       " the restored database is no longer the one that was proved (sha256 " +
                       facts->data.db_sha256 + ", expected " + facts->receipt->restored_db_sha256 +
                       "). etcd was not started")};
    }
  }
  return JudgeEqualBeside(view);
}

Judgement JudgeRecorded(const RunView& view) {
  return EachNode(view, Everywhere, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!OursWithStage(view, facts, Stage::kRestored)) return "not yet recorded as restored";
    return std::nullopt;
  });
}

bool DestructiveStepsClosed(const RunView& view) {
  return std::all_of(view.target.nodes.begin(), view.target.nodes.end(),
                     [&](const TargetNode& node) {
                       const NodeFacts* facts = view.seen.Of(node);
                       return facts != nullptr && OursWithStage(view, *facts, Stage::kRestored);
                     });
}

}  // namespace etcdrestore
