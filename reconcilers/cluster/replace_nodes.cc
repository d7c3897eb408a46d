#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "reconcilers/cluster/cluster_config.h"
#include "reconcilers/cluster/config_reader.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

/// True when rke would see a value there: null and "" count as not given.
bool Given(const Json& entry, const char* name) {
  const auto found = entry.find(name);
  // NOLINTNEXTLINE(readability-container-size-empty): {} and [] are empty too, and are not ""
  return found != entry.end() && !found->is_null() && *found != "";
}

/// What the new machine may not be called: every address and name of the file, the dead ones'
/// included, since a swap of two dead nodes' addresses is more likely a slip than a wish.
std::map<std::string, std::string> TakenAddresses(const ClusterConfig& config) {
  std::map<std::string, std::string> taken;
  for (const ClusterNode& node : config.nodes) {
    taken[node.address] = node.address;
    taken.emplace(node.internal_address, node.address);
  }
  return taken;
}

class Replacer {
 public:
  explicit Replacer(const ClusterConfig& config)
      : config_(config), raw_(config.raw), taken_(TakenAddresses(config)) {}

  void Apply(const NodeReplacement& change) {
    const auto node = std::find_if(config_.nodes.begin(), config_.nodes.end(),
                                   [&](const auto& one) { return one.address == change.address; });
    if (node == config_.nodes.end()) {
      return Fault(change, fmt::format("no node of cluster.yml has this address: {}", Addresses()));
    }
    if (!done_.insert({change.address, change.with_address}).second) {
      return Fault(change, "is replaced twice");
    }
    Json& entry = raw_["nodes"][static_cast<std::size_t>(node - config_.nodes.begin())];
    const bool had_internal = Given(entry, "internal_address");
    if (had_internal && change.with_internal_address.empty()) {
      Fault(change, fmt::format("its entry has internal_address {}: give with.internalAddress for "
                                "the new machine",
                                node->internal_address));
    }
    if (change.with_address.empty()) return Fault(change, "with.address is missing");
    Take(change, change.with_address);
    const std::string& internal = change.with_internal_address;
    if (!internal.empty() && internal != change.with_address) Take(change, internal);
    TakeName(change, *node);
    entry["address"] = change.with_address;
    if (!internal.empty()) entry["internal_address"] = internal;
    if (!change.with_hostname_override.empty()) {
      entry["hostname_override"] = Lower(change.with_hostname_override);
    }
  }

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] const Json& raw() const { return raw_; }

 private:
  void Fault(const NodeReplacement& change, const std::string& what) {
    faults_.push_back(fmt::format("replaceNodes[{}]: {}", change.address, what));
  }

  void Take(const NodeReplacement& change, const std::string& address) {
    const auto [holder, free] = taken_.emplace(address, change.address);
    if (!free) {
      Fault(change, fmt::format("{} is already in use by node {}", address, holder->second));
    }
  }

  void TakeName(const NodeReplacement& change, const ClusterNode& node) {
    const std::string name = Lower(change.with_hostname_override);
    if (name.empty()) return;
    const bool of_other =
        std::any_of(config_.nodes.begin(), config_.nodes.end(), [&](const ClusterNode& other) {
          return other.address != node.address && other.hostname == name;
        });
    if (of_other || !names_.emplace(name, change.address).second) {
      Fault(change, fmt::format("the name {} is already another node's", name));
    }
  }

  [[nodiscard]] std::string Addresses() const {
    std::vector<std::string> all;
    for (const ClusterNode& node : config_.nodes) all.push_back(node.address);
    return fmt::format("{}", fmt::join(all, ", "));
  }

  const ClusterConfig& config_;
  Json raw_;
  std::map<std::string, std::string> taken_;
  std::map<std::string, std::string> done_;
  std::map<std::string, std::string> names_;
  std::vector<std::string> faults_;
};

}  // namespace

Result<ClusterConfig> ReplaceNodes(const ClusterConfig& config,
                                   const std::vector<NodeReplacement>& changes) {
  Replacer replacer(config);
  for (const NodeReplacement& change : changes) replacer.Apply(change);
  if (!replacer.faults().empty()) {
    return Terminal("ReplaceNodesInvalid", fmt::format("{}", fmt::join(replacer.faults(), "\n")));
  }
  auto replaced = ParseClusterConfig(replacer.raw());
  if (!replaced) {
    return Terminal("ReplaceNodesInvalid",
                    "cluster.yml after replaceNodes: " + replaced.error().message);
  }
  replaced->warnings = config.warnings;
  return replaced;
}

}  // namespace etcdrestore
