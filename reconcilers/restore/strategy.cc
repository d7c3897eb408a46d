// Which strategy the observed facts allow, whether the cluster still lives, which image has the
// etcd tool.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "reconcilers/restore/preflight.h"

namespace etcdrestore {
namespace {

/// Why one node cannot be restored in place; nullopt when it can. Only observed facts count.
std::optional<std::string> NotInPlace(const Target& target, const TargetNode& node,
                                      const NodeFacts& facts) {
  if (node.replacement) return "node " + node.name + " is new";
  if (!facts.containers)
    return std::nullopt;  // not observed: Preflight fails, nothing is selected by it
  for (const std::string& name : node.Components()) {
    if (facts.Container(name) == nullptr) return "node " + node.name + " has no container " + name;
  }
  if (!node.etcd) return std::nullopt;
  const ContainerFacts& etcd = *facts.Container("etcd");
  const auto flag = [&etcd](const char* name) { return FlagOf(etcd.command, name).value_or(""); };
  if (!flag("--wal-dir").empty()) return "etcd on " + node.name + " has a --wal-dir of its own";
  if (flag("--name") != node.member_name) {
    return fmt::format("etcd on {} is called '{}', cluster.yml makes it {}", node.name,
                       flag("--name"), node.member_name);
  }
  if (flag("--initial-advertise-peer-urls") != node.peer_url) {
    return fmt::format("etcd on {} advertises {}, cluster.yml makes it {}", node.name,
                       flag("--initial-advertise-peer-urls"), node.peer_url);
  }
  std::string inside = flag("--data-dir");
  while (inside.ends_with('/')) inside.pop_back();
  const std::string expected = target.config.prefix_path + "/var/lib/etcd";
  const bool mounted = std::any_of(etcd.mounts.begin(), etcd.mounts.end(), [&](const Mount& mount) {
    return mount.destination == inside && mount.source == expected;
  });
  if (!mounted) return "etcd on " + node.name + " does not keep its data in " + expected;
  return std::nullopt;
}

std::optional<std::string> WhyNotInPlace(const Target& target, const Observation& seen) {
  std::set<std::string> authorities;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || !(node.etcd || node.controlplane)) continue;
    if (auto why = NotInPlace(target, node, *facts)) return why;
    const std::string ca = CertificateFingerprint(facts->ca_pem);
    if (!ca.empty()) authorities.insert(ca);
  }
  if (authorities.size() > 1) return "the nodes have different kube-ca certificates";
  return std::nullopt;
}

/// The numbers of an image's tag: 3, 5, 12 of v3.5.12.
std::vector<std::uint64_t> VersionOf(const std::string& image) {
  std::vector<std::uint64_t> numbers;
  bool inside = false;
  for (const char sign : image.substr(image.rfind(':') + 1)) {
    const bool digit = sign >= '0' && sign <= '9';
    if (digit && !inside) numbers.push_back(0);
    if (digit) numbers.back() = numbers.back() * 10 + static_cast<std::uint64_t>(sign - '0');
    inside = digit;
  }
  return numbers;
}

std::set<std::string> ToolImages(const Observation& seen) {
  std::set<std::string> images;
  for (const auto& [name, facts] : seen.facts) {
    for (const std::string& image : facts.images) {
      if (image.find("mirrored-coreos-etcd:") != std::string::npos) images.insert(image);
    }
  }
  return images;
}

std::string NewestThatMostHave(const Target& target, const Observation& seen) {
  const auto etcd = target.EtcdNodes();
  const auto rank = [&](const std::string& image) {
    const auto have = std::count_if(etcd.begin(), etcd.end(), [&](const TargetNode* node) {
      const NodeFacts* facts = seen.Of(*node);
      return facts != nullptr &&
             std::find(facts->images.begin(), facts->images.end(), image) != facts->images.end();
    });
    return std::make_pair(have, VersionOf(image));
  };
  const std::set<std::string> images = ToolImages(seen);
  const auto best =
      std::max_element(images.begin(), images.end(),
                       [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
  return best == images.end() ? "" : *best;
}

}  // namespace

std::optional<std::string> FlagOf(const std::vector<std::string>& command,
                                  const std::string& flag) {
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i].starts_with(flag + "=")) return command[i].substr(flag.size() + 1);
    if (command[i] == flag && i + 1 < command.size()) return command[i + 1];
  }
  return std::nullopt;
}

StrategyChoice ChooseStrategy(const Target& target, const Observation& seen) {
  const Strategy wanted = target.object.spec.strategy;
  const bool replaces = !target.object.spec.replace_nodes.empty();
  const std::optional<std::string> why_not = WhyNotInPlace(target, seen);
  StrategyChoice choice;
  switch (wanted) {
    case Strategy::kRunbook:
      choice.refused =
          Terminal("StrategyNotAvailable",
                   "strategy Runbook is not available yet; use Auto, InPlace or Rebuild");
      return choice;
    case Strategy::kInPlace:
      choice.reason = "spec.strategy";
      if (why_not)
        choice.refused =
            Terminal("InPlaceImpossible", "strategy InPlace cannot be used: " + *why_not +
                                              ". Use Rebuild, or mend the node");
      return choice;
    case Strategy::kRebuild:
      choice.strategy = StrategyKind::kRebuild;
      choice.reason = "spec.strategy";
      return choice;
    case Strategy::kAuto:
      break;
  }
  if (!why_not) {
    choice.reason = "every etcd and control plane node is there with its containers and one CA";
    return choice;
  }
  choice.strategy = StrategyKind::kRebuild;
  choice.reason = *why_not;
  choice.escalated = !replaces;
  return choice;
}

Liveness LivenessOf(const Target& target, const Observation& seen) {
  Liveness live;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr) continue;
    // /readyz asks etcd: an API server that is ready proves a quorum, also where members could not
    // be asked.
    live.alive = live.alive || facts->api.ready;
    if (!facts->etcd) continue;
    live.revision = std::max(live.revision, facts->etcd->revision);
    live.keys = std::max(live.keys, facts->etcd->keys);
  }
  return live;
}

std::string ChooseEtcdImage(const Target& target, const Observation& seen) {
  for (const TargetNode* node : target.EtcdNodes()) {
    const NodeFacts* facts = seen.Of(*node);
    const ContainerFacts* etcd = facts == nullptr ? nullptr : facts->Container("etcd");
    if (etcd != nullptr) return etcd->image;
  }
  if (!target.config.etcd_image.empty()) return target.config.etcd_image;
  if (target.state && !target.state->etcd_image.empty()) return target.state->etcd_image;
  return NewestThatMostHave(target, seen);
}

}  // namespace etcdrestore
