#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "operator/ports/cluster_api.h"
#include "operator/ports/rke.h"
#include "reconcilers/restore/machine.h"
#include "tests/fakes/fake_node.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore::fakes {

/// All machines of one cluster and its API, with the laws that no restore may break: they are
/// checked after every change, and what broke them is in `violations`. Thread safe through its
/// methods; tests touch `nodes` only while nothing runs.
class FakeWorld {
 public:
  FakeWorld(const Target& target, VirtualClock& clock);

  // --- what tests arrange ---
  /// A running cluster of rke on old data. Replacement nodes stay empty machines.
  void MakeCluster(const std::string& ca_pem, const std::string& image);
  /// kill -9 of the operator: the first `calls` changing calls of the recorded order happen, none
  /// after them. `inside`: the next one happens by half.
  void KillAfter(const std::vector<std::string>& recorded, std::size_t calls, bool inside);
  /// A new process: calls get through again.
  void Revive();
  /// `what` happens right after the `calls`-th changing call.
  void After(std::size_t calls, std::function<void()> what);
  /// The `calls`-th next changing call on `node` fails once, having changed nothing.
  void FailOnce(const std::string& node, std::size_t calls);
  /// dockerd of one node stops and comes up again. Called from After or between runs.
  void RestartDocker(FakeNode& node);
  FakeNode& Of(const std::string& node) { return nodes.at(node); }

  // --- what tests read ---
  /// "node act" of each changing call, in order.
  [[nodiscard]] std::vector<std::string> Calls() const;
  [[nodiscard]] std::vector<std::string> Violations() const;
  [[nodiscard]] bool Killed() const;
  /// Changing calls so far: what After counts from.
  [[nodiscard]] std::size_t CallCount() const { return Calls().size(); }
  /// Everything that two runs must agree on, as text; no times, and no locks: a process that dies
  /// while it gives the nodes back leaves some to be taken over by whoever comes next.
  [[nodiscard]] std::string EndState() const;

  // --- what the fakes of the ports use ---
  /// One changing call of a node's machine; `half` says that the operator dies inside it.
  Status Change(const std::string& node, const std::string& act,
                const std::function<Status(FakeNode&, bool half)>& change);
  Result<NodeFacts> Look(const std::string& node, const std::string& run,
                         const LookOptions& options);
  void StartContainer(FakeNode& node, const std::string& name, bool restart);
  void StopContainer(FakeNode& node, const std::string& name);
  void CreateContainer(FakeNode& node, const std::string& name, const std::string& policy);
  /// From now on a node's old data need not be there.
  void MayLose(const std::string& node) { old_.erase(node); }
  /// A pod is deleted, its controller makes another in its place.
  void ReplacePod(const std::string& name);
  double NowOn(const FakeNode& node) const { return clock_.Seconds() + node.skew; }

  std::map<std::string, FakeNode> nodes;
  std::set<std::string> kube_nodes;                 ///< Node objects
  std::map<std::string, std::string> registry;      ///< image -> the login that may pull it
  std::vector<NetworkPod> network_pods;             ///< in kube-system
  std::map<std::string, std::string> etcd_differs;  ///< node -> what its etcd holds instead
  std::map<std::string, std::int64_t> revisions;    ///< sha256 of a snapshot -> its revision

 private:
  void Check(const std::string& after);
  void CheckNode(const FakeNode& node, const std::string& after);
  std::optional<EtcdFacts> EtcdOf(const FakeNode& node, std::int64_t hash_revision) const;
  ApiFacts ApiOf(const FakeNode& node, bool nodes_too) const;
  bool ApiReady(const FakeNode& node) const;
  bool HasQuorum(const std::string& token) const;
  std::string QuorumToken() const;
  Status Gate(const std::string& node, bool& half);
  void CheckContainers(const FakeNode& node, bool untouched, bool all_fresh,
                       const std::string& after);
  void CheckOldData(const std::string& after);
  void LetTimePass();
  void LetKubeletWork(FakeNode& node);
  void Blame(const std::string& law, const std::string& after);

  const Target& target_;
  VirtualClock& clock_;
  mutable std::recursive_mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<std::string> violations_;
  std::map<std::string, std::size_t> done_;    ///< changing calls a node has seen in this process
  std::map<std::string, std::size_t> limits_;  ///< of a kill; absent: none
  std::string half_node_;
  bool limited_ = false;
  bool killed_ = false;
  std::multimap<std::size_t, std::function<void()>> events_;
  std::map<std::string, std::size_t> fail_at_;
  std::map<std::string, FakeMember> old_;       ///< old data that must never be lost
  std::map<std::string, double> foreign_;       ///< StartedAt of containers that are not ours
  std::map<std::string, std::int64_t> writes_;  ///< token of a cluster -> writes by API servers
  std::string image_;
};

}  // namespace etcdrestore::fakes
