#include "reconcilers/restore/target.h"

#include <algorithm>
#include <set>

#include "operator/base/sha256.h"
#include "reconcilers/restore/identity.h"

namespace etcdrestore {
namespace {

TargetNode NodeOf(const ClusterNode& node, const std::vector<std::string>& new_addresses) {
  TargetNode target;
  target.name = node.hostname;
  target.node = node;
  target.etcd = node.Has("etcd");
  target.controlplane = node.Has("controlplane");
  target.worker = node.Has("worker");
  target.member_name = "etcd-" + node.hostname;
  target.peer_url = "https://" + node.internal_address + ":2380";
  target.replacement =
      std::find(new_addresses.begin(), new_addresses.end(), node.address) != new_addresses.end();
  return target;
}

/// Letters, digits, dot and dash of the runID, then enough of the key's digest to be unique.
std::string ShortName(const std::string& run_id, const std::string& run_key) {
  std::string name;
  for (const char c : run_id.substr(0, 40)) {
    const bool safe =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    name += safe ? c : '-';
  }
  return name + "-" + HexSha256(run_key).substr(0, 8);
}

/// Fields that may change at any time (design 5) are left out of the digest.
std::string DigestOf(const EtcdRestore& object) {
  nlohmann::ordered_json spec = object.raw.value("spec", nlohmann::ordered_json::object());
  for (const char* free : {"approvedPlan", "paused", "cancel", "notAfter"}) spec.erase(free);
  if (spec.contains("clean")) spec["clean"].erase("keepOldDataFor");
  return HexSha256(nlohmann::json(spec).dump());
}

std::vector<NodeReplacement> Changes(const EtcdRestoreSpec& spec) {
  std::vector<NodeReplacement> changes;
  for (const NodeReplacementSpec& change : spec.replace_nodes) {
    changes.push_back({change.address, change.with_address, change.with_internal_address,
                       change.with_hostname_override});
  }
  return changes;
}

}  // namespace

std::vector<std::string> TargetNode::Components() const {
  std::vector<std::string> names;
  if (etcd) names.emplace_back("etcd");
  if (controlplane)
    names.insert(names.end(), {"kube-apiserver", "kube-controller-manager", "kube-scheduler"});
  names.insert(names.end(), {"kubelet", "kube-proxy"});
  return names;
}

std::vector<const TargetNode*> Target::EtcdNodes() const {
  std::vector<const TargetNode*> etcd;
  for (const TargetNode& node : nodes) {
    if (node.etcd) etcd.push_back(&node);
  }
  return etcd;
}

std::string Target::InitialCluster() const {
  std::string text;
  for (const TargetNode* node : EtcdNodes()) {
    text += (text.empty() ? "" : ",") + node->member_name + "=" + node->peer_url;
  }
  return text;
}

std::uint64_t Target::ExpectedClusterId() const {
  std::vector<std::uint64_t> ids;
  for (const TargetNode* node : EtcdNodes()) ids.push_back(MemberId({node->peer_url}, token));
  return ClusterId(ids);
}

bool OfThisRun(const Target& target, const NodeFacts& facts) {
  return facts.receipt && facts.receipt->run_key == target.run_key;
}

Result<Target> MakeTarget(EtcdRestore object, const ClusterConfig& config,
                          std::optional<ClusterState> state) {
  auto replaced = ReplaceNodes(config, Changes(object.spec));
  if (!replaced) return replaced.error();
  Target target;
  target.config = std::move(*replaced);
  target.state = std::move(state);
  std::vector<std::string> new_addresses;
  std::set<std::string> kept_names;
  for (const ClusterNode& node : target.config.nodes) {
    if (!kept_names.insert(node.hostname).second) {
      return Terminal("ClusterConfigInvalid", "cluster.yml: two nodes are called " + node.hostname +
                                                  "; give each its own hostname_override");
    }
  }
  for (const NodeReplacementSpec& change : object.spec.replace_nodes) {
    new_addresses.push_back(change.with_address);
    for (const ClusterNode& node : config.nodes) {
      if (node.address == change.address) target.replaced.push_back(NodeOf(node, {}));
    }
  }
  for (const ClusterNode& node : config.nodes) {
    if (!kept_names.contains(node.hostname)) target.replaced_hostnames.push_back(node.hostname);
  }
  for (const ClusterNode& node : target.config.nodes)
    target.nodes.push_back(NodeOf(node, new_addresses));
  target.run_key = object.RunKey();
  target.run = ShortName(object.spec.run_id, target.run_key);
  target.token = "etcdrestore-" + target.run;
  target.spec_digest = DigestOf(object);
  target.object = std::move(object);
  return target;
}

std::string StrategyName(StrategyKind strategy) {
  return strategy == StrategyKind::kInPlace ? "InPlace" : "Rebuild";
}

const NodeFacts* Observation::Of(const TargetNode& node) const {
  const auto found = facts.find(node.name);
  return found == facts.end() ? nullptr : &found->second;
}

}  // namespace etcdrestore
