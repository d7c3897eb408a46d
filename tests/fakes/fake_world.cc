#include "tests/fakes/fake_world.h"

#include <fmt/format.h>

#include <algorithm>

namespace etcdrestore::fakes {
namespace {

constexpr const char* kForeign = "backup-agent";

ContainerFacts AContainer(const std::string& name, const std::string& policy, double started) {
  ContainerFacts container;
  container.name = name;
  container.image = "image/" + name + ":1";
  container.running = true;
  container.policy = policy;
  container.started_at = started;
  return container;
}

}  // namespace

FakeWorld::FakeWorld(const Target& target, VirtualClock& clock) : target_(target), clock_(clock) {
  for (const TargetNode& node : target.nodes) {
    nodes[node.name].target = node;
    nodes[node.name].images = {};
  }
}

void FakeWorld::MakeCluster(const std::string& ca_pem, const std::string& image) {
  image_ = image;
  for (const std::string& name : target_.replaced_hostnames) kube_nodes.insert(name);
  for (auto& [name, node] : nodes) {
    if (node.target.replacement) continue;
    node.images = {image};
    node.ca_pem = ca_pem;
    node.left_paths = {"/etc/kubernetes/ssl", "/etc/cni"};
    kube_nodes.insert(name);
    if (node.target.etcd) {
      node.member = FakeMember{"", "old", 5000, "", ""};
      old_[name] = *node.member;
      CreateContainer(node, "etcd-rolling-snapshots", "always");
    }
    for (const std::string& component : node.target.Components())
      CreateContainer(node, component, "always");
    for (const char* pod : {"k8s_POD_kube-flannel-x", "k8s_kube-flannel_kube-flannel-x"})
      node.containers[pod] = AContainer(pod, "no", NowOn(node));
    network_pods.push_back({"canal-" + name, "uid-" + name, name, NowOn(node), false});
    node.containers[kForeign] = AContainer(kForeign, "always", NowOn(node));
    foreign_[name] = NowOn(node);
  }
  clock_.Advance(std::chrono::hours(1));
}

void FakeWorld::CreateContainer(FakeNode& node, const std::string& name,
                                const std::string& policy) {
  ContainerFacts container = AContainer(name, policy, NowOn(node));
  container.rke = true;
  if (name == "etcd") {
    const std::string data = target_.config.prefix_path + "/var/lib/etcd";
    container.image = image_;
    container.command = {"/usr/local/bin/etcd", "--name=" + node.target.member_name,
                         "--initial-advertise-peer-urls=" + node.target.peer_url,
                         "--data-dir=/var/lib/rancher/etcd/"};
    container.mounts = {{data, "/var/lib/rancher/etcd"}};
  }
  node.containers[name] = container;
}

void FakeWorld::StartContainer(FakeNode& node, const std::string& name, bool restart) {
  const auto found = node.containers.find(name);
  if (found == node.containers.end() || (found->second.running && !restart)) return;
  found->second.running = true;
  found->second.started_at = NowOn(node);
}

void FakeWorld::StopContainer(FakeNode& node, const std::string& name) {
  if (const auto found = node.containers.find(name); found != node.containers.end())
    found->second.running = false;
}

void FakeWorld::ReplacePod(const std::string& name) {
  for (NetworkPod& pod : network_pods) {
    if (pod.name != name) continue;
    pod = {name + "x", pod.uid + "x", pod.node, NowOn(nodes.at(pod.node)), false};
    return;
  }
}

void FakeWorld::KillAfter(const std::vector<std::string>& recorded, std::size_t calls,
                          bool inside) {
  limited_ = true;
  for (const auto& [name, node] : nodes) limits_[name] = 0;
  for (std::size_t i = 0; i < calls && i < recorded.size(); ++i)
    ++limits_[recorded[i].substr(0, recorded[i].find(' '))];
  if (inside && calls < recorded.size())
    half_node_ = recorded[calls].substr(0, recorded[calls].find(' '));
}

void FakeWorld::Revive() {
  limited_ = killed_ = false;
  limits_.clear();
  done_.clear();
  half_node_.clear();
}

void FakeWorld::After(std::size_t calls, std::function<void()> what) {
  events_.emplace(calls, std::move(what));
}

void FakeWorld::FailOnce(const std::string& node, std::size_t calls) {
  fail_at_[node] = done_[node] + calls;
}

void FakeWorld::RestartDocker(FakeNode& node) {
  const auto was = node.containers;
  for (auto& [name, container] : node.containers) container.running = false;
  clock_.Advance(std::chrono::milliseconds(10));
  for (const auto& [name, before] : was) {
    if (before.policy == "always" || (before.policy == "unless-stopped" && before.running))
      StartContainer(node, name, true);
  }
  const auto kubelet = node.containers.find("kubelet");
  if (kubelet != node.containers.end() && kubelet->second.running) {
    for (const auto& [name, before] : was) {
      if (name.starts_with("k8s_") && before.running) StartContainer(node, name, true);
    }
  }
  if (foreign_.contains(node.target.name)) foreign_[node.target.name] = NowOn(node);
  Check("dockerd restarted on " + node.target.name);
}

std::vector<std::string> FakeWorld::Calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}
std::vector<std::string> FakeWorld::Violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}
bool FakeWorld::Killed() const {
  const std::lock_guard lock(mutex_);
  return killed_;
}

Status FakeWorld::Gate(const std::string& node, bool& half) {
  if (limited_ && done_[node] >= limits_[node]) {
    half = half_node_ == node && done_[node] == limits_[node];
    killed_ = true;
    ++done_[node];
    if (!half) return Terminal("Killed", "the operator is dead");
    half_node_.clear();
    return {};
  }
  ++done_[node];
  if (const auto fail = fail_at_.find(node);
      fail != fail_at_.end() && done_[node] == fail->second) {
    fail_at_.erase(fail);
    return Transient("ConnectionLost", "the connection to " + node + " broke");
  }
  if (!nodes.at(node).reachable) return Transient("Unreachable", node + " does not answer");
  return {};
}

Status FakeWorld::Change(const std::string& node, const std::string& act,
                         const std::function<Status(FakeNode&, bool)>& change) {
  const std::lock_guard lock(mutex_);
  bool half = false;
  if (Status open = Gate(node, half); !open) return open;
  LetTimePass();
  const Status changed = change(nodes.at(node), half);
  if (half) {
    Check(node + " half of " + act);
    return Terminal("Killed", "the operator died inside " + act);
  }
  calls_.push_back(node + " " + act);
  Check(calls_.back());
  const auto [begin, end] = events_.equal_range(calls_.size());
  for (auto event = begin; event != end; ++event) event->second();
  return changed;
}

std::string FakeWorld::EndState() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, node] : nodes) {
    text += name + ":\n";
    for (const auto& [container, facts] : node.containers) {
      text += fmt::format("  {} {} {}\n", container, facts.running ? "running" : "stopped",
                          facts.policy);
    }
    if (node.member)
      text += fmt::format("  member {} {} {}\n", node.member->run, node.member->content,
                          node.member->revision);
    const auto receipt = ParseReceipt(node.receipt);
    if (receipt) {
      text += "  receipt " + StageName(receipt->stage) + " " + receipt->run_key + " " +
              receipt->strategy + " " + receipt->old_data_path + "\n";
      for (const auto& [container, before] : receipt->before)
        text += fmt::format("    before {} {} {}\n", container, before.policy, before.running);
    }
    for (const auto& [run, folder] : node.runs) {
      text += fmt::format("  run {} staged {} kept {} restored {} finished {}\n", run,
                          folder.staged.size(), folder.kept ? folder.kept->content : "-",
                          folder.restored ? folder.restored->content : "-", folder.finished);
    }
  }
  for (const std::string& name : kube_nodes) text += "Node " + name + "\n";
  return text;
}

/// A kubelet starts the containers of its pods again.
void FakeWorld::LetKubeletWork(FakeNode& node) {
  const auto kubelet = node.containers.find("kubelet");
  if (kubelet == node.containers.end() || !kubelet->second.running) return;
  for (auto& [name, container] : node.containers) {
    if (name.starts_with("k8s_")) StartContainer(node, name, false);
  }
}

void FakeWorld::LetTimePass() {
  clock_.Advance(std::chrono::milliseconds(10));
  for (auto& [name, node] : nodes) LetKubeletWork(node);
  const bool api = std::any_of(nodes.begin(), nodes.end(),
                               [&](const auto& entry) { return ApiReady(entry.second); });
  if (api) ++writes_[QuorumToken()];
}

}  // namespace etcdrestore::fakes
