#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "reconcilers/restore/machine.h"
#include "reconcilers/restore/target.h"

namespace etcdrestore {

/// All machines of a run, worked on in parallel by at most 16 threads. Owns the machines.
/// Look and Do are called from one thread.
class Crew {
 public:
  using OneNode =
      std::function<Status(const TargetNode& node, Machine& machine, const NodeFacts* facts)>;

  using Connect = std::function<Result<std::unique_ptr<Machine>>(const Call&, const TargetNode&)>;

  /// `connect` is called for a node that has no machine yet, at each look, from several threads.
  Crew(const Target& target, Connect connect) : target_(target), connect_(std::move(connect)) {}

  /// Looks at every node, connecting where needed; never fails as a whole.
  Observation Look(const Call& call, const LookOptions& options);
  /// Does one thing on the named nodes (all when empty), each with what was last seen of it. Waits
  /// for all. A terminal error wins over a transient one; the message names every node that failed.
  Status Do(const Call& call, const std::vector<std::string>& names, const Observation& seen,
            const OneNode& one);
  /// The acts of Do look with these options as well, and a Look with the same options that follows
  /// at once needs no second trip to those nodes.
  void LookWithActs(std::optional<LookOptions> options) { with_acts_ = options; }

 private:
  Result<NodeFacts> LookAt(const Call& call, const TargetNode& node, const LookOptions& options);

  const Target& target_;
  Connect connect_;
  std::optional<LookOptions> with_acts_;
  std::mutex mutex_;  ///< guards machines_; never held over a remote call
  std::map<std::string, std::unique_ptr<Machine>> machines_;
};

/// Runs `count` jobs with at most 16 at a time; returns when all have ended.
void InParallel(std::size_t count, const std::function<void(std::size_t)>& job);

}  // namespace etcdrestore
