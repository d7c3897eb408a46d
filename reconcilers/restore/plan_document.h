#pragma once

#include <map>
#include <string>
#include <vector>

#include "reconcilers/restore/preflight.h"

namespace etcdrestore {

/// What will be done, for a person to read and approve. The hash is over strategy, snapshot digest,
/// nodes, host keys, what is destroyed, cluster.yml and the rkestate; nothing measured, so it is
/// the same at the next look. Keys that only open a door (SSH, S3) decide nothing and are left out.
struct PlanDocument {
  std::string hash;
  std::string strategy;
  std::string reason;
  std::vector<std::string> summary;
  std::vector<std::string> destroys;
  std::vector<std::string> keeps;
  std::vector<std::string> loses;  ///< measured: what was written since the snapshot; not hashed
  std::string approval_reason;     ///< "" when no approval is needed
};

PlanDocument MakePlanDocument(const Target& target, const RunPlan& plan,
                              const StrategyChoice& choice, const Liveness& live,
                              const Observation& seen,
                              const std::map<std::string, std::string>& host_keys);

/// The commands that put the old data back on one node, in order.
std::vector<std::string> WayBack(const Target& target, const NodeFacts& facts);

}  // namespace etcdrestore
