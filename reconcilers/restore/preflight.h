#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/restore/target.h"

namespace etcdrestore {

enum class Verdict { kOk, kNote, kFailed, kUnknown };  ///< kUnknown blocks like kFailed

/// One thing that Preflight looked at; the table that people read.
struct Check {
  std::string node;     ///< "" for the whole run
  std::string subject;  ///< "docker", "disk", "snapshot"
  Verdict verdict = Verdict::kOk;
  std::string seen;
  std::string advice;  ///< what a person can do; "" when all is well
  /// A failure that may pass by itself: who can wait looks again before a person is asked.
  bool may_pass = false;
};

bool AllPassed(const std::vector<Check>& checks);
/// One error with every failed check: reason PreflightFailed.
Error FailureOf(const std::vector<Check>& checks);

/// What is known of the run when it is judged. Pure input of the functions below.
struct PreflightInput {
  const Target& target;
  const Observation& seen;
  const ChosenSnapshot* snapshot = nullptr;  ///< null before it is chosen
  std::string etcd_image;
  std::optional<std::string> rke_version;  ///< of the operator's rke program; nullopt: none usable
  std::string rke_problem;
  StrategyKind strategy = StrategyKind::kInPlace;
  const ClusterState* zip_state = nullptr;  ///< of the snapshot's zip; null: it holds none
};

/// What the object asks for and the chosen strategy cannot give: a field without effect is said.
std::vector<Check> CheckSpec(const PreflightInput& input);
/// Facts of the nodes that any strategy needs: answers, docker, clock, record, disk, etcd image and
/// tool.
std::vector<Check> CheckNodes(const PreflightInput& input);
/// Whether the snapshot is this cluster's, and (Rebuild) whether state, CA and versions belong
/// together.
std::vector<Check> CheckIdentity(const PreflightInput& input);

/// Auto's decision, from a closed list of observed facts. A fact that could not be observed fails
/// Preflight, it never selects Rebuild.
struct StrategyChoice {
  StrategyKind strategy = StrategyKind::kInPlace;
  std::string reason;
  bool escalated = false;        ///< Auto would rebuild without replaceNodes: approval is needed
  std::optional<Error> refused;  ///< spec.strategy cannot be carried out; nothing was changed
};
StrategyChoice ChooseStrategy(const Target& target, const Observation& seen);

/// The cluster still lives: an API server is ready, which takes a quorum of etcd. Approval is then
/// always needed.
struct Liveness {
  bool alive = false;
  std::int64_t revision = 0;  ///< highest seen on any member, also without quorum
  std::uint64_t keys = 0;
};
Liveness LivenessOf(const Target& target, const Observation& seen);

/// The image that has the etcd tool: that of the etcd containers, else cluster.yml's, else the
/// state's, else the newest mirrored-coreos-etcd that every etcd node has, or as many of them as
/// have one in common; "" when there is none.
std::string ChooseEtcdImage(const Target& target, const Observation& seen);

/// `--flag=value` or `--flag value` of a command line; nullopt when absent.
std::optional<std::string> FlagOf(const std::vector<std::string>& command, const std::string& flag);

}  // namespace etcdrestore
