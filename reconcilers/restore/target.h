#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crds/etcd_restore.h"
#include "operator/snapshot/snapshot.h"
#include "reconcilers/cluster/cluster_config.h"
#include "reconcilers/cluster/cluster_state.h"
#include "reconcilers/restore/facts.h"

namespace etcdrestore {

/// One node of the cluster as it shall be, and its place in etcd.
struct TargetNode {
  std::string name;  ///< hostname as rke registers it; unique
  ClusterNode node;
  bool etcd = false, controlplane = false, worker = false;
  bool replacement = false;  ///< stands where a dead node stood
  std::string member_name;   ///< etcd-<name>
  std::string peer_url;      ///< https://<internal address>:2380
  /// Component containers that the roles call for, in rke's names.
  [[nodiscard]] std::vector<std::string> Components() const;
};

/// Everything about one run that is known before a node is asked. Pure function of the inputs.
struct Target {
  EtcdRestore object;
  ClusterConfig config;                         ///< with replaceNodes applied
  std::vector<TargetNode> replaced;             ///< the dead nodes as cluster.yml had them
  std::vector<std::string> replaced_hostnames;  ///< Node objects to be removed at the end
  std::optional<ClusterState> state;
  std::vector<TargetNode> nodes;
  std::string run_key;
  std::string run;          ///< short name: "<runID>-<8 hex>", safe in paths and container names
  std::string token;        ///< --initial-cluster-token
  std::string spec_digest;  ///< of what may not change within one runID

  [[nodiscard]] std::vector<const TargetNode*> EtcdNodes() const;
  [[nodiscard]] std::string InitialCluster() const;
  [[nodiscard]] std::uint64_t ExpectedClusterId() const;
};

/// The node has a receipt of this run. Pure.
bool OfThisRun(const Target& target, const NodeFacts& facts);

/// Errors as ReplaceNodes; also ClusterConfigInvalid when two nodes share a name.
Result<Target> MakeTarget(EtcdRestore object, const ClusterConfig& config,
                          std::optional<ClusterState> state);

/// The chosen, verified snapshot: chosen once for a run.
struct ChosenSnapshot {
  std::string name;
  std::string source;     ///< for people
  std::string path;       ///< the raw database on the operator's disk
  SystemTime taken_at{};  ///< by the source's clock
  SnapshotFacts facts;
};

enum class StrategyKind { kInPlace, kRebuild };
std::string StrategyName(StrategyKind strategy);

/// What the run decided before the point of no return and keeps.
struct RunPlan {
  StrategyKind strategy = StrategyKind::kInPlace;
  ChosenSnapshot snapshot;
  std::int64_t bump = 0;
  std::string etcd_image;
  [[nodiscard]] std::int64_t ExpectedRevision() const { return snapshot.facts.revision + bump; }
};

/// One look at all nodes. A node that could not be looked at has an error instead.
struct Observation {
  std::map<std::string, NodeFacts> facts;
  std::map<std::string, Error> errors;
  [[nodiscard]] const NodeFacts* Of(const TargetNode& node) const;
};

}  // namespace etcdrestore
