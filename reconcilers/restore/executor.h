#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "operator/ports/cluster_api.h"
#include "operator/ports/rke.h"
#include "reconcilers/restore/crew.h"
#include "reconcilers/restore/steps.h"

namespace etcdrestore {

/// How nodes get the chosen snapshot: themselves from `url` when the source can give one, else
/// relayed from the operator's copy.
struct SnapshotDelivery {
  std::function<Result<Secret>()> url;  ///< empty: relay only
  std::string path;
};

/// Carries out single acts. Every act looks before it changes and can be repeated; nothing here
/// decides.
class Executor {
 public:
  struct Deps {
    const Target& target;
    Crew& crew;
    ClusterRebuilder& rke;
    ClusterApi& api;
    Crew::Connect connect_replaced;  ///< reaches a node that is being replaced, if it still answers
    std::function<Result<ClusterState>(const std::string& text)> parse_state;
    std::string config_text;  ///< cluster.yml as rke shall read it
    std::string work_dir;     ///< the run's folder on the operator: rke/ and logs; exists
    /// A line for people; one at a time, from any thread.
    std::function<void(const std::string&)> progress;
    BytesMoved moved = {};                 ///< of relayed snapshots; may be empty
    std::function<Status()> may_act = {};  ///< asked before each act; empty: always
  };
  explicit Executor(Deps deps) : deps_(std::move(deps)) {}

  Status Execute(const Call& call, Act act, const RunPlan& plan, const SnapshotDelivery& delivery,
                 const Todo& todo, const Observation& seen);
  /// True when rke ended well in this run, also in an earlier process (a record in the run's
  /// folder).
  [[nodiscard]] bool RkeUpFinished() const;
  [[nodiscard]] bool ReplacedFenced() const { return fenced_; }
  /// Brings images to nodes that lack them: the etcd image to etcd nodes, for a rebuild all of
  /// rke's images to nodes that stand in for dead ones. The etcd image is pulled where cluster.yml
  /// names its registry; what is still missing is sent from a node that has it, else the etcd image
  /// is asked of its own registry. Additive. A failure is told to people; the Preflight checks say
  /// what is missing in the end. True when something may have been brought.
  bool ProvideImages(const Call& call, const std::string& etcd_image, StrategyKind strategy,
                     const Observation& seen);
  [[nodiscard]] std::string KubeconfigPath() const;

 private:
  void Tell(const std::string& line);  ///< also while nodes are worked on in parallel
  Status Prepare(const Call& call, const RunPlan& plan, const Todo& todo, const Observation& seen);
  Status StageSnapshot(const Call& call, const RunPlan& plan, const SnapshotDelivery& delivery,
                       const Todo& todo, const Observation& seen);
  Status RestoreBeside(const Call& call, const RunPlan& plan, const Todo& todo,
                       const Observation& seen);
  Status Commit(const Call& call, const Todo& todo, const Observation& seen);
  Status Record(const Call& call, Stage stage, const Todo& todo, const Observation& seen);
  Status FenceReplaced(const Call& call);
  bool Pull(const Call& call, const TargetNode& node, const std::string& image, const Secret& login,
            const Observation& seen);
  bool RelayFromAny(const Call& call, const TargetNode& node,
                    const std::vector<std::string>& images, const Observation& seen);
  Status Relay(const Call& call, const std::string& from, const std::string& to,
               const std::vector<std::string>& images, const Observation& seen);
  Status PoliciesOff(const Call& call, const Todo& todo, const Observation& seen);
  Status PoliciesBack(const Call& call, const Todo& todo, const Observation& seen);
  Status RkeUp(const Call& call, const Observation& seen);
  Status Purge(const Call& call, const Todo& todo, const Observation& seen);
  Status RemoveStaleNodes(const Call& call, const Observation& seen);

  Deps deps_;
  std::mutex telling_;
  bool fenced_ = false;
};

}  // namespace etcdrestore
