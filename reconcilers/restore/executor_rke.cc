// The part of Rebuild that is rke's: `rke up` on proved data, and what it leaves in the cluster's
// API.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "operator/base/files.h"
#include "reconcilers/restore/executor.h"
#include "reconcilers/restore/judges.h"

namespace etcdrestore {
namespace {

/// A node lets another run take its lock 60 s after the last renewal; rke must have ended by then.
constexpr std::chrono::seconds kRenewEvery{15};
constexpr std::chrono::seconds kRenewWithin{10};
constexpr std::chrono::seconds kGiveUpAfter{25};

/// The state rke shall find: what an interrupted `rke up` of this run wrote if that is whole and
/// has the same CA, else the working copy with an empty currentState. One that cannot be read may
/// be the only record of what rke made.
Result<std::string> StateToUse(
    const std::string& path, const ClusterState& original,
    const std::function<Result<ClusterState>(const std::string&)>& parse) {
  const auto text = ReadFile(path);
  if (!text && text.error().reason != "FileMissing") return text.error();
  if (text) {
    const auto written = parse(*text);
    if (written && written->kube_ca_fingerprint == original.kube_ca_fingerprint) return *text;
  }
  return StateForRebuild(original);
}

}  // namespace

std::string Executor::KubeconfigPath() const {
  return deps_.work_dir + "/rke/kube_config_cluster.yml";
}

bool Executor::RkeUpFinished() const { return FileExists(deps_.work_dir + "/rke/up.finished"); }

Status Executor::RkeUp(const Call& call, const Observation& seen) {
  if (!deps_.target.state)
    return Terminal("ClusterStateMissing",
                    "rke up needs the cluster's rkestate, and there is none");
  const ClusterState& state = *deps_.target.state;
  const std::string folder = deps_.work_dir + "/rke";
  const std::string config_path = folder + "/cluster.yml";
  const std::string state_path = folder + "/cluster.rkestate";
  if (Status made = MakeFolder(folder); !made) return made;
  if (Status wrote = WriteFileAtomically(config_path, deps_.config_text); !wrote) return wrote;
  const auto before = StateToUse(state_path, state, deps_.parse_state);
  if (!before) return before.error();
  if (Status kept = WriteFileAtomically(state_path + ".before", *before); !kept) return kept;
  if (Status wrote = WriteFileAtomically(state_path, *before); !wrote) return wrote;

  // A stopped one-shot container of an earlier try would be started again with its old arguments.
  Status swept = deps_.crew.Do(
      call, {}, seen, [&](const TargetNode&, Machine& machine, const NodeFacts* facts) -> Status {
        return facts == nullptr ? Status()
                                : machine.RemoveContainers(call, OneShotLeftovers(*facts), true);
      });
  if (!swept) return swept;

  SteadyTime renewed = std::chrono::steady_clock::now();
  const auto alive = [&]() -> Status {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now - renewed < kRenewEvery) return {};
    std::atomic<bool> any = false;
    Status held =
        deps_.crew.Do(call, {}, seen, [&](const TargetNode&, Machine& machine, const NodeFacts*) {
          Status one = machine.Renew(call.Within(kRenewWithin));
          if (one) any = true;
          return one;
        });
    if (!held && held.error().kind == ErrorKind::kTerminal) return held;
    // One lock that is held keeps every other run away from all nodes.
    if (held || any) renewed = now;
    return now - renewed < kGiveUpAfter ? Status() : held;
  };
  const auto result = deps_.rke.Up(call, config_path, deps_.progress, alive);
  const auto after = ReadFile(state_path);
  if (after) (void)WriteFileAtomically(state_path + ".after", *after);
  if (!result) return result.error();
  const auto written = deps_.parse_state(after.value_or(""));
  if (!written || written->kube_ca_fingerprint != state.kube_ca_fingerprint) {
    return Terminal("CaChanged", "after rke up the state in " + state_path +
                                     " does not hold the cluster's own kube-ca " +
                                     state.kube_ca_fingerprint + "; the state from before is in " +
                                     state_path + ".before");
  }
  return WriteFileAtomically(folder + "/up.finished", result->log_path + "\n");
}

Status Executor::RemoveStaleNodes(const Call& call, const Observation& seen) {
  for (const auto& [name, facts] : seen.facts) {
    if (!facts.api.nodes) continue;
    for (const KubeNode& node : *facts.api.nodes) {
      const auto& stale = deps_.target.replaced_hostnames;
      if (std::find(stale.begin(), stale.end(), node.name) == stale.end()) continue;
      if (Status gone = deps_.api.DeleteNode(call, KubeconfigPath(), node.name); !gone) return gone;
    }
    return {};
  }
  return Transient("NodeListMissing", "no API server told its Nodes");
}

}  // namespace etcdrestore
