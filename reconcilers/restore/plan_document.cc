#include "reconcilers/restore/plan_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/base/sha256.h"
#include "reconcilers/restore/judges.h"

namespace etcdrestore {
namespace {

std::string KeptPath(const Target& target, const NodeFacts* facts) {
  const std::string data = target.config.prefix_path + "/var/lib/etcd";
  if (facts != nullptr && facts->data.is_mount) return data + "/.before-" + target.run;
  return data + "-before-" + target.run;
}

std::size_t PodsOn(const NodeFacts& facts) {
  return static_cast<std::size_t>(std::count_if(
      facts.containers->begin(), facts.containers->end(),
      [](const ContainerFacts& container) { return container.name.starts_with("k8s_POD_"); }));
}

/// Measured, so it is no part of what is hashed.
void AddContainers(const Target& target, const TargetNode& node, const NodeFacts* facts,
                   PlanDocument& document) {
  if (facts == nullptr || !facts->containers) return;
  const std::size_t goes = ContainersToRemove(target, *facts).size();
  if (goes > 0)
    document.loses.push_back(fmt::format(
        "node {}: {} containers are removed, among them {} pods, which stop until the cluster is "
        "up again",
        node.name, goes, PodsOn(*facts)));
  const std::string foreign = fmt::format("{}", fmt::join(ForeignContainers(*facts), ", "));
  if (foreign.empty()) return;
  if (target.object.spec.clean.all_containers) {
    document.loses.push_back("node " + node.name +
                             ": containers that are not the cluster's: " + foreign);
  } else {
    document.keeps.push_back("node " + node.name +
                             ": containers that are not the cluster's: " + foreign);
  }
}

void AddRebuild(const Target& target, const Observation& seen, PlanDocument& document) {
  const CleanSpec& clean = target.object.spec.clean;
  for (const TargetNode& node : target.nodes) {
    if (!IsCleaned(target, node)) continue;
    document.destroys.push_back("node " + node.name + ": " +
                                (clean.all_containers
                                     ? "ALL containers, also those that are not the cluster's"
                                     : "containers of rke and of Kubernetes pods") +
                                (clean.anonymous_volumes ? ", with their unnamed volumes" : ""));
    document.destroys.push_back("node " + node.name +
                                ": contents of /etc/kubernetes/ssl, /etc/kubernetes/.tmp, "
                                "/etc/cni, /etc/kube-flannel (a copy is kept)");
    AddContainers(target, node, seen.Of(node), document);
  }
  for (const TargetNode& node : target.replaced) {
    document.destroys.push_back(
        "replaced node " + node.name +
        ", if it still answers: its kubelet, control plane and etcd are stopped");
  }
  for (const std::string& name : target.replaced_hostnames)
    document.destroys.push_back("Node object " + name + " (replaced)");
}

/// A restore before this one moved revisions ahead by its bump; those were no writes.
std::int64_t BumpedBefore(const Observation& seen) {
  std::int64_t bump = 0;
  for (const auto& [name, facts] : seen.facts) {
    if (facts.receipt && facts.receipt->stage == Stage::kFinished)
      bump = std::max(bump, facts.receipt->bumped_by);
  }
  return bump;
}

/// Old members that are only cut off may still be a majority, and a cluster.
std::string LostMajority(const Target& target) {
  const std::size_t members = target.EtcdNodes().size();
  const auto replaced = static_cast<std::size_t>(std::count_if(
      target.replaced.begin(), target.replaced.end(), [](const auto& node) { return node.etcd; }));
  if (replaced == 0 || replaced * 2 < members) return "";
  return fmt::format(
      "replaceNodes puts new machines in the place of {} of {} etcd nodes: if the old ones are "
      "only "
      "cut off, they may be a majority that goes on serving as a second cluster. Make sure that "
      "they are off",
      replaced, members);
}

std::string WhyApproval(const Target& target, const RunPlan& plan, const StrategyChoice& choice,
                        const Liveness& live) {
  if (live.alive)
    return "the cluster still has a quorum and a ready API server: restoring it throws away what "
           "was written since the snapshot";
  if (choice.escalated) return "Auto would rebuild the nodes because " + choice.reason;
  if (std::string lost = LostMajority(target); !lost.empty()) return lost;
  if (!plan.snapshot.facts.has_kube_system)
    return "the snapshot holds no namespace kube-system: nothing proves that it is of this cluster";
  if (target.object.spec.approval == ApprovalMode::kManual) return "spec.approval is Manual";
  return "";
}

std::string HashOf(const Target& target, const RunPlan& plan, const PlanDocument& document,
                   const std::map<std::string, std::string>& host_keys) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const TargetNode& node : target.nodes) {
    const auto key = host_keys.find(node.name);
    nodes.push_back({node.name, node.node.address, node.node.internal_address, node.node.roles,
                     key == host_keys.end() ? "" : key->second});
  }
  const nlohmann::json hashed = {
      {"strategy", document.strategy},
      {"sha256", plan.snapshot.facts.sha256},
      {"nodes", nodes},
      {"destroys", document.destroys},
      {"spec", target.spec_digest},
      {"config", HexSha256(target.config.raw.dump())},
      {"state", target.state ? HexSha256(target.state->raw.dump()) : ""}};
  return HexSha256(hashed.dump()).substr(0, 16);
}

}  // namespace

PlanDocument MakePlanDocument(const Target& target, const RunPlan& plan,
                              const StrategyChoice& choice, const Liveness& live,
                              const Observation& seen,
                              const std::map<std::string, std::string>& host_keys) {
  PlanDocument document;
  document.strategy = StrategyName(plan.strategy);
  document.reason = choice.reason;
  const SnapshotFacts& snapshot = plan.snapshot.facts;
  document.summary.push_back(
      fmt::format("restore {} (taken {}, revision {}, {} keys) on {} etcd members of cluster {}",
                  plan.snapshot.name, FormatTime(plan.snapshot.taken_at), snapshot.revision,
                  snapshot.live_keys, target.EtcdNodes().size(), target.object.spec.cluster_name));
  document.summary.emplace_back(
      plan.strategy == StrategyKind::kInPlace
          ? "stop controllers, API servers and etcd on all nodes; swap the data; start and verify "
            "etcd, then the rest in order; restart kubelets, proxies and network"
          : "stop and remove the cluster's containers; swap the data; rke up; verify; restart what "
            "was not made new");
  const Duration keep = target.object.spec.clean.keep_old_data_for;
  for (const TargetNode* node : target.EtcdNodes()) {
    if (node->replacement) continue;
    const std::string path = KeptPath(target, seen.Of(*node));
    if (keep == Duration(0)) {
      document.destroys.push_back("node " + node->name + ": old etcd data in " + path +
                                  ", as soon as the restore is verified (keepOldDataFor is 0s)");
    } else {
      document.keeps.push_back(
          fmt::format("node {}: old etcd data, if there is any, in {} for {} after a verified end",
                      node->name, path, HumanDuration(keep)));
    }
  }
  const bool all =
      plan.strategy == StrategyKind::kRebuild && target.object.spec.clean.all_containers;
  document.keeps.push_back(std::string("everything under /opt/rke, all images, all named volumes") +
                           (all ? "" : ", all containers that are not the cluster's"));
  if (plan.strategy == StrategyKind::kRebuild) AddRebuild(target, seen, document);
  const std::int64_t now = live.revision - BumpedBefore(seen);
  if (now > snapshot.revision) {
    document.loses.push_back(fmt::format("{} writes since the snapshot", now - snapshot.revision));
  }
  document.approval_reason = WhyApproval(target, plan, choice, live);
  document.hash = HashOf(target, plan, document, host_keys);
  return document;
}

std::vector<std::string> WayBack(const Target& target, const NodeFacts& facts) {
  const std::string data = target.config.prefix_path + "/var/lib/etcd";
  const std::string old = facts.receipt ? facts.receipt->old_data_path : KeptPath(target, &facts);
  const std::string aside =
      facts.data.is_mount ? data + "/.restored-" + target.run : data + "-restored-" + target.run;
  if (facts.receipt && facts.receipt->strategy == "Rebuild") {
    return {
        "(the old data needs the old members and their addresses; the old certificates are in "
        "/opt/rke/.etcdrestore/runs/" +
            target.run + "/old)",
        "docker update --restart=no etcd kube-apiserver kube-controller-manager kube-scheduler && "
        "docker stop kube-apiserver etcd",
        "mkdir -p " + aside + " && mv " + data + "/member " + aside + "/member && mv " + old +
            "/member " + data + "/member",
        "(when that is done on ALL old etcd nodes) rke up with the old cluster.yml and the old "
        "rkestate"};
  }
  const std::string start =
      "(when the lines above are done on ALL etcd nodes) docker start etcd, then kube-apiserver, "
      "then the others; then docker restart kubelet kube-proxy on every node";
  return {
      "docker update --restart=no etcd kube-apiserver kube-controller-manager kube-scheduler",
      "docker stop kube-controller-manager kube-scheduler kube-apiserver etcd",
      "mkdir -p " + aside + " && mv " + data + "/member " + aside + "/member",
      "mv " + old + "/member " + data + "/member",
      start,
      "docker update --restart=always etcd kube-apiserver kube-controller-manager kube-scheduler"};
}

}  // namespace etcdrestore
