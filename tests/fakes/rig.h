#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reconcilers/restore/reconciler.h"
#include "tests/fakes/fake_machine.h"
#include "tests/fakes/fake_rke.h"
#include "tests/fakes/memory_store.h"

namespace etcdrestore::fakes {

/// The object of most tests; `patch` is merged into spec (RFC 7386).
nlohmann::ordered_json AnObject(const nlohmann::ordered_json& patch = {});
/// n1, n2, n3: controlplane and etcd; w1: worker.
ClusterConfig AConfig();
Target ATarget(const nlohmann::ordered_json& patch = {});
/// A real snapshot of a real cluster, and what is in it. Read once.
const std::string& ASnapshot();
const SnapshotFacts& ASnapshotFacts();
ClusterState AState();

/// Hears everything.
class RecordingListener final : public RunListener {
 public:
  void OnNote(const std::string& line) override { notes.push_back(line); }
  void OnChecks(const std::vector<Check>& seen) override { checks = seen; }
  void OnPlan(const PlanDocument& plan) override { plans.push_back(plan); }
  void OnProgress(const RunRecord& record) override {
    if (steps.empty() || steps.back() != record.step) steps.push_back(record.step);
    for (const auto& [node, count] : record.attempts)
      most_attempts[node] = std::max(most_attempts[node], count);
  }
  void OnBytes(const std::string& what, std::uint64_t done, std::uint64_t total) override {
    const std::lock_guard lock(mutex);
    bytes[what] = {done, total};
  }
  std::map<std::string, int> most_attempts;  ///< at any one step, by node
  std::mutex mutex;                          ///< guards bytes
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> bytes;  ///< the last told
  std::vector<std::string> notes;
  std::vector<Check> checks;
  std::vector<PlanDocument> plans;
  std::vector<std::string> steps;
};

/// A cluster of the world that has lost its quorum, a store with its snapshot, and operators that
/// come and go: each Run is a new process with its own Crew, Executor and Reconciler, on the same
/// world and the same folder.
class Rig {
 public:
  explicit Rig(const nlohmann::ordered_json& patch = {});
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  /// A new process, with nothing in its way.
  RunRecord Run(const RunRequest& request = {}, const Call& call = {});
  /// A new process under what FakeWorld::KillAfter arranged.
  RunRecord RunKilled(const RunRequest& request = {}, const Call& call = {});
  /// Runs until there is nothing to approve; at most `at_most` runs of new processes.
  RunRecord RunToEnd(int at_most = 3);
  /// Another spec under the same names: what a person's edit does.
  void Respec(const nlohmann::ordered_json& patch);
  /// The operator's own disk is new.
  void LoseFolder();
  /// All members run: the cluster lives.
  void MakeAlive();
  void AddSnapshot(const std::string& key, const std::string& bytes);

  VirtualClock clock;
  Target target;
  FakeWorld world;
  MemoryBucket bucket;
  FakeRebuilder rke;
  FakeClusterApi api;
  RecordingListener listener;
  std::function<void()> on_wait;  ///< while the run waits; may be empty
  int processes = 0;
  bool holders_die = true;  ///< false: the process that held the nodes may still live
  std::string folder;
};

}  // namespace etcdrestore::fakes
