// Goals of Up and Restarted: from here observation may advance or refuse, never reopen what was
// destroyed.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reconcilers/restore/identity.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/judging.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {
namespace {

using Unmet = std::optional<std::string>;

Unmet AllRunning(const NodeFacts& facts, const std::vector<std::string>& names) {
  if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
  for (const std::string& name : names) {
    if (facts.Container(name) == nullptr) return "there is no container " + name;
    if (!facts.Running(name)) return name + " does not run";
  }
  return std::nullopt;
}

Unmet AllStartedSince(const NodeFacts& facts, const std::vector<std::string>& names) {
  if (Unmet unmet = AllRunning(facts, names)) return unmet;
  for (const std::string& name : names) {
    if (!facts.receipt || facts.Container(name)->started_at <= facts.receipt->restored_at) {
      return name + " has not been restarted since the restore";
    }
  }
  return std::nullopt;
}

bool AnyApiServerRuns(const RunView& view) {
  return std::any_of(view.seen.facts.begin(), view.seen.facts.end(),
                     [](const auto& entry) { return entry.second.Running("kube-apiserver"); });
}

std::optional<Error> WrongMembers(const RunView& view, const TargetNode& node,
                                  const EtcdFacts& etcd) {
  const std::uint64_t expected = view.target.ExpectedClusterId();
  if (etcd.cluster_id != expected) {
    return Terminal("ForeignMember",
                    fmt::format("etcd on node {} belongs to cluster {}, this run's is {}: it does "
                                "not run on the data that this "
                                "run restored",
                                node.name, HexId(etcd.cluster_id), HexId(expected)));
  }
  if (!etcd.alarms.empty()) {
    return Terminal("EtcdAlarm",
                    "etcd on node " + node.name + " raises an alarm: " + etcd.alarms.front());
  }
  std::set<std::string> seen;
  std::set<std::string> wanted;
  for (const EtcdMember& member : etcd.members) {
    for (const std::string& url : member.peer_urls) seen.insert(url);
  }
  for (const TargetNode* other : view.target.EtcdNodes()) wanted.insert(other->peer_url);
  if (seen != wanted) {
    return Terminal(
        "WrongMembers",
        fmt::format("etcd on node {} lists {} members with other addresses than the {} planned",
                    node.name, etcd.members.size(), wanted.size()));
  }
  return std::nullopt;
}

/// Compares two members at one revision; unequal compaction makes hashes incomparable (facts/lab.md
/// 6).
Judgement Compare(const TargetNode& a, const EtcdFacts& left, const TargetNode& b,
                  const EtcdFacts& right) {
  if (left.hash_revision != right.hash_revision || left.compact_revision != right.compact_revision)
    return Todo{{b.name}, b.name + ": not yet at the same revision as " + a.name};
  if (left.hash != right.hash) {
    return Refused{
        Terminal("MembersDiffer", fmt::format("etcd on {} and on {} hold different data at "
                                              "revision {}: hash {} and {}, keys {} and {}",
                                              a.name, b.name, left.hash_revision, left.hash,
                                              right.hash, left.keys, right.keys))};
  }
  return Done{};
}

/// Leases end by themselves once etcd runs, those of API servers after 15 s. Each takes a revision
/// and at least one key; whatever else is written takes none.
bool OnlyLeasesEnded(const RunView& view, const EtcdFacts& etcd) {
  const auto live = static_cast<std::int64_t>(view.plan.snapshot.facts.live_keys);
  const auto keys = static_cast<std::int64_t>(etcd.keys);
  return keys > 0 && etcd.revision - view.plan.ExpectedRevision() <= live - keys;
}

bool IsNetworkContainer(const std::string& name) {
  static const std::set<std::string> kContainers = {
      "kube-flannel", "calico-node", "calico-kube-controllers", "flannel", "weave",
      "weave-npc",    "canal"};
  if (!name.starts_with("k8s_")) return false;
  const std::size_t end = name.find('_', 4);
  return end != std::string::npos && kContainers.contains(name.substr(4, end - 4));
}

}  // namespace

std::vector<std::string> NetworkContainersToRestart(const NodeFacts& facts) {
  std::vector<std::string> names;
  if (!facts.containers || !facts.receipt) return names;
  for (const ContainerFacts& container : *facts.containers) {
    if (container.running && IsNetworkContainer(container.name) &&
        container.started_at <= facts.receipt->restored_at) {
      names.push_back(container.name);
    }
  }
  return names;
}

StalePods StaleNetworkPods(const Target& target, const Observation& seen) {
  StalePods stale;
  const std::vector<NetworkPod>* told = nullptr;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || !facts->api.network_pods) continue;
    stale.told_by = &node;
    told = &*facts->api.network_pods;
    break;
  }
  if (told == nullptr) return stale;
  for (const NetworkPod& pod : *told) {
    const auto at = seen.facts.find(pod.node);
    if (at == seen.facts.end() || !at->second.receipt || !at->second.containers) continue;
    const auto& containers = *at->second.containers;
    const bool shown = std::any_of(containers.begin(), containers.end(), [&](const auto& one) {
      return one.name.find("_" + pod.uid + "_") != std::string::npos;
    });
    const bool old = pod.started_at > 0 && pod.started_at <= at->second.receipt->restored_at;
    if (!shown && old) stale.pods.push_back(pod);
  }
  return stale;
}

Judgement JudgeEtcdStarted(const RunView& view) {
  return EachNode(view, OnEtcd, [](const TargetNode&, const NodeFacts& facts) {
    return AllRunning(facts, {"etcd"});
  });
}

Judgement JudgeEtcdVerified(const RunView& view) {
  const TargetNode* first = nullptr;
  const std::int64_t expected = view.plan.ExpectedRevision();
  for (const TargetNode* node : view.target.EtcdNodes()) {
    const NodeFacts* facts = view.seen.Of(*node);
    if (facts == nullptr || !facts->etcd || facts->etcd->leader == 0) {
      return Todo{{node->name},
                  node->name + ": etcd does not answer yet" +
                      (facts != nullptr ? ": " + facts->etcd_error : "")};
    }
    const EtcdFacts& etcd = *facts->etcd;
    if (auto wrong = WrongMembers(view, *node, etcd)) return Refused{*wrong};
    const bool explained = AnyApiServerRuns(view) || OnlyLeasesEnded(view, etcd);
    if (etcd.revision < expected || (etcd.revision != expected && !explained)) {
      return Refused{Terminal(
          "WrongRevision", fmt::format("etcd on node {} is at revision {}, exactly {} was expected",
                                       node->name, etcd.revision, expected))};
    }
    if (first == nullptr) first = node;
    Judgement equal = Compare(*first, *view.seen.Of(*first)->etcd, *node, etcd);
    if (!std::holds_alternative<Done>(equal)) return equal;
  }
  return Done{};
}

Judgement JudgeApiStarted(const RunView& view) {
  return EachNode(view, OnControlPlane, [](const TargetNode&, const NodeFacts& facts) {
    return AllStartedSince(facts, {"kube-apiserver"});
  });
}

Judgement JudgeApiReady(const RunView& view) {
  const std::string ca = CertificateFingerprint(view.plan.snapshot.facts.kube_root_ca);
  for (const TargetNode& node : view.target.nodes) {
    const NodeFacts* facts = view.seen.Of(node);
    if (!node.controlplane || facts == nullptr || facts->ca_pem.empty() || ca.empty()) continue;
    if (CertificateFingerprint(facts->ca_pem) != ca) {
      return Refused{Terminal("CaChanged", "node " + node.name + " has kube-ca " +
                                               CertificateFingerprint(facts->ca_pem) +
                                               ", the snapshot's cluster has " + ca +
                                               ": tokens and kubeconfigs would stop working")};
    }
  }
  return EachNode(view, OnControlPlane, [](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!facts.api.ready) return "the API server is not ready: " + facts.api.message;
    if (!facts.api.secrets_listed) return "Secrets were not listed yet";
    if (!*facts.api.secrets_listed) return "Secrets cannot be listed";
    return std::nullopt;
  });
}

Judgement JudgeRkeUp(const RunView& view) {
  if (!view.rke_up_finished) return Todo{{}, "rke up has not finished yet"};
  return EachNode(
      view, [&](const TargetNode& node) { return IsCleaned(view.target, node); },
      [](const TargetNode& node, const NodeFacts& facts) {
        return AllStartedSince(facts, node.Components());
      });
}

Judgement JudgeControllersStarted(const RunView& view) {
  return EachNode(view, OnControlPlane, [](const TargetNode&, const NodeFacts& facts) {
    return AllStartedSince(facts, {"kube-controller-manager", "kube-scheduler"});
  });
}

Judgement JudgeKubeletsRestarted(const RunView& view) {
  return EachNode(view, Everywhere, [](const TargetNode&, const NodeFacts& facts) {
    return AllStartedSince(facts, {"kubelet", "kube-proxy"});
  });
}

Judgement JudgeNetworkRestarted(const RunView& view) {
  return EachNode(view, Everywhere, [](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
    const auto left = NetworkContainersToRestart(facts);
    if (!left.empty()) return left.front() + " has not been restarted since the restore";
    return std::nullopt;
  });
}

/// What no API server tells is left to the look that settles the run, which demands it.
Judgement JudgeNetworkPodsRestarted(const RunView& view) {
  const StalePods stale = StaleNetworkPods(view.target, view.seen);
  for (const NetworkPod& pod : stale.pods) {
    if (!pod.terminating)
      return Todo{
          {stale.told_by->name},
          "pod " + pod.name + " on " + pod.node + " has not been restarted since the restore"};
  }
  return Done{};
}

Judgement JudgeStaleNodesGone(const RunView& view) {
  for (const TargetNode& node : view.target.nodes) {
    const NodeFacts* facts = view.seen.Of(node);
    if (!node.controlplane || facts == nullptr || !facts->api.nodes) continue;
    for (const KubeNode& seen : *facts->api.nodes) {
      const auto& stale = view.target.replaced_hostnames;
      if (std::find(stale.begin(), stale.end(), seen.name) != stale.end()) {
        return Todo{{node.name}, "Node object " + seen.name + " of a replaced node is still there"};
      }
    }
    return Done{};
  }
  return Todo{{}, "no API server told its Nodes yet"};
}

Judgement JudgePoliciesBack(const RunView& view) {
  return EachNode(view, Everywhere, [](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!facts.receipt) return "no receipt";
    if (!facts.containers) return "docker does not tell its containers: " + facts.docker_error;
    for (const auto& [name, before] : facts.receipt->before) {
      const ContainerFacts* container = facts.Container(name);
      if (container == nullptr) continue;
      if (container->policy != before.policy)
        return name + " has restart policy " + container->policy + ", was " + before.policy;
      if (before.running && !container->running) return name + " does not run";
    }
    return std::nullopt;
  });
}

namespace {

/// Every component runs, has not been restarted since the look before, and says that it is well.
Unmet NotSteady(const TargetNode& node, const NodeFacts& facts, const NodeFacts* before) {
  const auto components = node.Components();
  for (const std::string& name : components) {
    const ContainerFacts* earlier = before != nullptr ? before->Container(name) : nullptr;
    if (earlier == nullptr) return "seen once only";
    if (earlier->restarts != facts.Container(name)->restarts) return name + " is restarting";
  }
  for (const auto& [name, seen] : facts.health) {
    const bool ours = std::find(components.begin(), components.end(), name) != components.end();
    if (ours && seen != "ok") return name + " is not healthy: " + seen;
  }
  return std::nullopt;
}

Unmet NotReady(const std::vector<KubeNode>& nodes, const std::string& name, double api_started) {
  const auto kube = std::find_if(nodes.begin(), nodes.end(),
                                 [&name](const KubeNode& one) { return one.name == name; });
  if (kube == nodes.end()) return "there is no Node object " + name;
  if (!kube->ready) return "Node is not Ready yet";
  if (kube->lease_renewed <= api_started)
    return "Node's Lease was not renewed since the API server started";
  return std::nullopt;
}

}  // namespace

Judgement JudgeSettled(const RunView& view) {
  double api_started = 0;
  const std::vector<KubeNode>* nodes = nullptr;
  for (const auto& [name, facts] : view.seen.facts) {
    if (const ContainerFacts* api = facts.Container("kube-apiserver"))
      api_started = std::max(api_started, api->started_at);
    if (facts.api.nodes) nodes = &*facts.api.nodes;
  }
  const StalePods stale = StaleNetworkPods(view.target, view.seen);
  return EachNode(view, Everywhere, [&](const TargetNode& node, const NodeFacts& facts) -> Unmet {
    if (Unmet unmet = AllRunning(facts, node.Components())) return unmet;
    if (stale.told_by == nullptr) return "no API server told its network pods yet";
    if (!stale.pods.empty()) return "pod " + stale.pods.front().name + " is still the old one";
    const NodeFacts* before = view.previous != nullptr ? view.previous->Of(node) : nullptr;
    if (Unmet unmet = NotSteady(node, facts, before)) return unmet;
    if (nodes == nullptr) return "no API server told its Nodes yet";
    return NotReady(*nodes, node.name, api_started);
  });
}

Judgement JudgeOldDataPurged(const RunView& view) {
  return EachNode(view, OnEtcd, [&](const TargetNode&, const NodeFacts& facts) -> Unmet {
    const auto due = OldDataToPurge(view.target, facts);
    if (due.empty()) return std::nullopt;
    return "old data of run " + due.front().run + " has been kept for as long as was asked";
  });
}

Judgement JudgeFinished(const RunView& view) {
  return EachNode(view, Everywhere, [](const TargetNode&, const NodeFacts& facts) -> Unmet {
    if (!facts.receipt || facts.receipt->stage < Stage::kFinished)
      return "not yet recorded as finished";
    return std::nullopt;
  });
}

}  // namespace etcdrestore
