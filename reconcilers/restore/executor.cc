#include "reconcilers/restore/executor.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {
namespace {

std::string OldDataPath(const Target& target, const NodeFacts& facts) {
  const std::string data = target.config.prefix_path + "/var/lib/etcd";
  return facts.data.is_mount ? data + "/.before-" + target.run : data + "-before-" + target.run;
}

/// Whether an earlier run came as far as moving the old data to where its receipt says.
bool WasMovedTo(const std::string& path, const DataFacts& data) {
  const bool still_here = data.member_exists && data.member_run.empty();
  return !still_here &&
         std::find(data.older_kept.begin(), data.older_kept.end(), path) != data.older_kept.end();
}

Receipt NewReceipt(const Target& target, const RunPlan& plan, const NodeFacts& facts) {
  Receipt receipt;
  receipt.cluster = target.object.spec.cluster_name;
  receipt.run_key = target.run_key;
  receipt.run = target.run;
  receipt.spec_digest = target.spec_digest;
  receipt.token = target.token;
  receipt.strategy = StrategyName(plan.strategy);
  receipt.snapshot_sha256 = plan.snapshot.facts.sha256;
  receipt.bumped_by = plan.bump;
  receipt.old_data_path = OldDataPath(target, facts);
  // A run that was given up past its point of no return left policies off and kept the real old
  // data: what it noted is the truth about the time before, what is seen now is its wreck.
  const bool wreck = facts.receipt && facts.receipt->run_key != target.run_key &&
                     facts.receipt->stage != Stage::kPrepared &&
                     facts.receipt->stage != Stage::kFinished;
  const bool again = OfThisRun(target, facts);
  if (wreck || again) receipt.before = facts.receipt->before;
  if (again || (wreck && WasMovedTo(facts.receipt->old_data_path, facts.data)))
    receipt.old_data_path = facts.receipt->old_data_path;
  return receipt;
}

/// Names of the network of containers present on this node, of those given.
std::vector<std::string> Present(const NodeFacts& facts, const std::vector<std::string>& names) {
  std::vector<std::string> present;
  for (const std::string& name : names) {
    if (facts.Container(name) != nullptr) present.push_back(name);
  }
  return present;
}

std::vector<std::string> NotSince(const NodeFacts& facts, const std::vector<std::string>& names) {
  std::vector<std::string> stale;
  for (const std::string& name : names) {
    const ContainerFacts* container = facts.Container(name);
    if (container == nullptr) continue;
    if (!container->running || !facts.receipt ||
        container->started_at <= facts.receipt->restored_at)
      stale.push_back(name);
  }
  return stale;
}

/// The same bytes; what was read is told.
ByteSource Counted(ByteSource bytes, const BytesMoved& moved, const std::string& node,
                   std::uint64_t total) {
  if (!moved) return bytes;
  return [bytes = std::move(bytes), moved, what = "sending the snapshot to node " + node, total,
          done = std::uint64_t{0}](std::span<char> into) mutable -> Result<std::size_t> {
    auto read = bytes(into);
    if (read) moved(what, done += *read, total);
    return read;
  };
}

Error NotSeen(const TargetNode& node) {
  return Transient("NodeNotSeen", "node " + node.name + " was not seen in this pass");
}

}  // namespace

void Executor::Tell(const std::string& line) {
  const std::lock_guard lock(telling_);
  deps_.progress(line);
}

Status Executor::Execute(const Call& call, Act act, const RunPlan& plan,
                         const SnapshotDelivery& delivery, const Todo& todo,
                         const Observation& seen) {
  if (deps_.may_act && act != Act::kLookAgain) {
    if (Status may = deps_.may_act(); !may) return may;
  }
  const auto each = [&](auto what) {
    return deps_.crew.Do(
        call, todo.nodes, seen,
        [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
          if (facts == nullptr) return NotSeen(node);
          return what(machine, *facts);
        });
  };
  switch (act) {
    case Act::kLookAgain:
      return {};
    case Act::kPrepare:
      return Prepare(call, plan, todo, seen);
    case Act::kStage:
      return StageSnapshot(call, plan, delivery, todo, seen);
    case Act::kRestoreBeside:
      return RestoreBeside(call, plan, todo, seen);
    case Act::kCommit:
      return Commit(call, todo, seen);
    case Act::kFenceReplaced:
      return FenceReplaced(call);
    case Act::kPoliciesOff:
      return PoliciesOff(call, todo, seen);
    case Act::kStopWriters:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.Stop(call, Present(facts, WriterContainers()));
      });
    case Act::kStopEtcd:
      return each([&](Machine& machine, const NodeFacts&) { return machine.Stop(call, {"etcd"}); });
    case Act::kMoveAside:
      return each(
          [&](Machine& machine, const NodeFacts&) { return machine.MoveOldDataAside(call); });
    case Act::kRemoveContainers:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.RemoveContainers(call, ContainersToRemove(deps_.target, facts),
                                        deps_.target.object.spec.clean.anonymous_volumes);
      });
    case Act::kCleanPaths:
      return each([&](Machine& machine, const NodeFacts&) { return machine.CleanPaths(call); });
    case Act::kPutInPlace:
      return each(
          [&](Machine& machine, const NodeFacts&) { return machine.PutNewDataInPlace(call); });
    case Act::kRecordRestored:
      return Record(call, Stage::kRestored, todo, seen);
    case Act::kStartEtcd:
      return each(
          [&](Machine& machine, const NodeFacts&) { return machine.Start(call, {"etcd"}); });
    case Act::kStartApiServers:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.Restart(call, NotSince(facts, {"kube-apiserver"}));
      });
    case Act::kRkeUp:
      return RkeUp(call, seen);
    case Act::kStartControllers:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.Restart(call,
                               NotSince(facts, {"kube-controller-manager", "kube-scheduler"}));
      });
    case Act::kRestartKubelets:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.Restart(call, NotSince(facts, {"kubelet", "kube-proxy"}));
      });
    case Act::kRestartNetwork:
      return each([&](Machine& machine, const NodeFacts& facts) {
        return machine.Restart(call, NetworkContainersToRestart(facts));
      });
    case Act::kPurge:
      return Purge(call, todo, seen);
    case Act::kDeletePods:
      return each([&](Machine& machine, const NodeFacts&) {
        std::vector<std::string> names;
        for (const NetworkPod& pod : StaleNetworkPods(deps_.target, seen).pods) {
          if (!pod.terminating) names.push_back(pod.name);
        }
        return machine.DeletePods(call, names);
      });
    case Act::kRemoveStaleNodes:
      return RemoveStaleNodes(call, seen);
    case Act::kPoliciesBack:
      return PoliciesBack(call, todo, seen);
    case Act::kFinish:
      return Record(call, Stage::kFinished, todo, seen);
  }
  return {};
}

Status Executor::Prepare(const Call& call, const RunPlan& plan, const Todo& todo,
                         const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr) return NotSeen(node);
        if (!facts->receipt_error.empty())
          return Terminal("ReceiptUnreadable", node.name + ": " + facts->receipt_error);
        return machine.WriteReceipt(call, NewReceipt(deps_.target, plan, *facts));
      });
}

Status Executor::StageSnapshot(const Call& call, const RunPlan& plan,
                               const SnapshotDelivery& delivery, const Todo& todo,
                               const Observation& seen) {
  const SnapshotFacts& wanted = plan.snapshot.facts;
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr) return NotSeen(node);
        if (delivery.url && (facts->has_curl || facts->has_wget)) {
          auto url = delivery.url();
          if (!url) return url.error();
          Status fetched = machine.FetchSnapshot(call, *url, wanted.size_bytes, wanted.sha256);
          if (fetched) return {};
          if (fetched.error().reason == "LockLost") return fetched;
          Tell(node.name + " cannot download the snapshot itself, sending it over SSH (" +
               fetched.error().message + ")");
        }
        auto bytes = BytesOfFile(delivery.path);
        if (!bytes) return bytes.error();
        return machine.PutSnapshot(
            call, Counted(std::move(*bytes), deps_.moved, node.name, wanted.size_bytes),
            wanted.size_bytes, wanted.sha256);
      });
}

Status Executor::RestoreBeside(const Call& call, const RunPlan& plan, const Todo& todo,
                               const Observation& seen) {
  const Target& target = deps_.target;
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr || !facts->receipt) return NotSeen(node);
        EtcdRestoreArgs args{plan.etcd_image,
                             node.member_name,
                             node.peer_url,
                             target.InitialCluster(),
                             target.token,
                             plan.bump,
                             "",
                             facts->receipt->restored_db_sha256,
                             !facts->receipt->restored_db_sha256.empty()};
        if (target.config.etcd_uid != 0) {
          args.owner =
              std::to_string(target.config.etcd_uid) + ":" + std::to_string(target.config.etcd_gid);
        }
        const auto db = machine.RestoreBeside(call, args);
        if (!db) return db.error();
        Receipt receipt = *facts->receipt;
        receipt.restored_db_sha256 = db->sha256;
        receipt.restored_db_hash = db->hash;
        return machine.WriteReceipt(call, receipt);
      });
}

Status Executor::Commit(const Call& call, const Todo& todo, const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr || !facts->receipt || !facts->containers) return NotSeen(node);
        Receipt receipt = *facts->receipt;
        for (const std::string& name : GuardedContainers()) {
          const ContainerFacts* container = facts->Container(name);
          if (container != nullptr && !receipt.before.contains(name))
            receipt.before[name] = {container->policy, container->running};
        }
        receipt.stage = Stage::kCommitted;
        return machine.WriteReceipt(call, receipt);
      });
}

Status Executor::Record(const Call& call, Stage stage, const Todo& todo, const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr || !facts->receipt) return NotSeen(node);
        Receipt receipt = *facts->receipt;
        receipt.stage = stage;
        (stage == Stage::kFinished ? receipt.finished_at : receipt.restored_at) = facts->now;
        receipt.keep_for = KeepFor(deps_.target);
        return machine.WriteReceipt(call, receipt);
      });
}

Status Executor::PoliciesOff(const Call& call, const Todo& todo, const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr) return NotSeen(node);
        std::map<std::string, std::string> off;
        for (const std::string& name : GuardedContainers()) {
          if (facts->Container(name) != nullptr) off[name] = "no";
        }
        return machine.SetPolicies(call, off);
      });
}

Status Executor::PoliciesBack(const Call& call, const Todo& todo, const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr || !facts->receipt) return NotSeen(node);
        std::map<std::string, std::string> policies;
        std::vector<std::string> stopped;
        for (const auto& [name, before] : facts->receipt->before) {
          const ContainerFacts* container = facts->Container(name);
          if (container == nullptr) continue;
          policies[name] = before.policy;
          if (before.running && !container->running) stopped.push_back(name);
        }
        if (Status set = machine.SetPolicies(call, policies); !set) return set;
        return machine.Start(call, stopped);
      });
}

Status Executor::Purge(const Call& call, const Todo& todo, const Observation& seen) {
  return deps_.crew.Do(
      call, todo.nodes, seen,
      [&](const TargetNode& node, Machine& machine, const NodeFacts* facts) -> Status {
        if (facts == nullptr) return NotSeen(node);
        for (const OldDataDue& due : OldDataToPurge(deps_.target, *facts)) {
          if (Status gone = machine.Purge(call, due); !gone) return gone;
          Tell("node " + node.name + ": removed the old data that run " + due.kept +
               " moved aside; run " + due.run + " was verified longer ago than " +
               HumanDuration(deps_.target.object.spec.clean.keep_old_data_for));
        }
        return {};
      });
}

}  // namespace etcdrestore
