#include "reconcilers/cluster/cluster_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "reconcilers/cluster/config_reader.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kRoles = std::to_array<std::string_view>({"controlplane", "etcd", "worker"});

bool IsDnsName(const std::string& name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  if (name.empty() || name.size() > 253) return false;
  const auto is_edge = [](char c) { return c == '.' || c == '-'; };
  return name.find_first_not_of(kAllowed) == std::string::npos && !is_edge(name.front()) &&
         !is_edge(name.back()) && name.find("..") == std::string::npos;
}

int ReadPort(ConfigReader& node) {
  const std::string text = node.Text("port");
  if (text.empty()) return 22;
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos && text.size() <= 5;
  const int port = digits ? std::stoi(text) : 0;
  if (port < 1 || port > 65535) node.Fault("port", text + " is not a port (1 to 65535)");
  return port;
}

std::vector<std::string> ReadRoles(ConfigReader& node) {
  std::vector<std::string> roles = node.Texts("role");
  if (roles.empty()) node.Fault("role", "is required: a list of controlplane, etcd, worker");
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (std::find(kRoles.begin(), kRoles.end(), roles[i]) == kRoles.end()) {
      node.Fault(fmt::format("role[{}]", i),
                 fmt::format("{} is not a role: controlplane, etcd or worker", roles[i]));
    }
  }
  return roles;
}

ClusterNode ReadNode(ConfigReader node, const std::string& cluster_key_path) {
  ClusterNode out;
  out.address = node.Required("address");
  // rke would take the name of whoever runs it, which is not known here.
  out.user = node.Required("user");
  out.port = ReadPort(node);
  out.roles = ReadRoles(node);
  out.internal_address = node.Text("internal_address", out.address);
  out.hostname = Lower(node.Text("hostname_override", out.address));
  if (!node.Text("hostname_override").empty() && !IsDnsName(out.hostname)) {
    node.Fault("hostname_override", out.hostname + " is not a DNS name");
  }
  out.docker_socket = node.Text("docker_socket", out.docker_socket);
  out.ssh_key = node.Text("ssh_key");
  out.ssh_key_path = node.Text("ssh_key_path", cluster_key_path);
  for (const char* name : {"ssh_cert", "ssh_cert_path"}) {
    if (!node.Text(name).empty()) node.Warn(name, "SSH certificates are not used, the key alone");
  }
  return out;
}

void CheckNodes(const std::vector<ClusterNode>& nodes, Findings& findings) {
  std::set<std::string> addresses;
  std::set<std::string> names;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string path = fmt::format("nodes[{}]", i);
    if (!nodes[i].address.empty() && !addresses.insert(nodes[i].address).second) {
      findings.faults.push_back(path + ".address: " + nodes[i].address + " is already a node");
    } else if (!nodes[i].hostname.empty() && !names.insert(nodes[i].hostname).second) {
      findings.faults.push_back(path + ".hostname_override: another node is named " +
                                nodes[i].hostname);
    }
  }
  for (const std::string_view role : {kRoles[0], kRoles[1]}) {
    const bool filled = std::any_of(nodes.begin(), nodes.end(),
                                    [&](const auto& node) { return node.Has(std::string(role)); });
    if (!filled) findings.faults.push_back(fmt::format("nodes: none has the role {}", role));
  }
}

std::string ReadPrefixPath(ConfigReader& root) {
  std::string path = root.Text("prefix_path");
  while (!path.empty() && path.back() == '/') path.pop_back();
  const bool climbs = (path + "/").find("/../") != std::string::npos;
  if (!path.empty() && (path[0] != '/' || climbs)) {
    root.Fault("prefix_path", path + " is not an absolute path");
  }
  return path;
}

void RefuseUnsupported(ConfigReader& root, ConfigReader& etcd, const ConfigReader& bastion) {
  if (!bastion.Text("address").empty()) {
    root.Unsupported("bastion_host",
                     "reaching nodes through a bastion is not supported yet: run the operator on "
                     "the bastion and take bastion_host out of its copy of cluster.yml");
  }
  if (!etcd.Texts("external_urls").empty()) {
    etcd.Unsupported("external_urls",
                     "this etcd was not made by RKE, restore it with its own tools");
  }
}

void ReadEtcd(ConfigReader& etcd, ClusterConfig& config) {
  config.etcd_uid = etcd.Integer("uid");
  config.etcd_gid = etcd.Integer("gid");
  for (const auto& [name, value] : etcd.Mapping("extra_args").items()) {
    config.etcd_extra_args[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
}

ClusterConfig ReadConfig(const Json& document, Findings& findings) {
  ClusterConfig config;
  config.raw = document;
  ConfigReader root(document, "", findings);
  ConfigReader services = root.Child("services");
  ConfigReader etcd = services.Child("etcd");
  RefuseUnsupported(root, etcd, root.Child("bastion_host"));
  const std::string key_path = root.Text("ssh_key_path", "~/.ssh/id_rsa");
  for (ConfigReader& node : root.Children("nodes")) {
    config.nodes.push_back(ReadNode(node, key_path));
  }
  if (config.nodes.empty()) root.Fault("nodes", "is required: a list of nodes");
  CheckNodes(config.nodes, findings);
  config.kubernetes_version = root.Text("kubernetes_version");
  config.prefix_path = ReadPrefixPath(root);
  config.etcd_image = root.Child("system_images").Text("etcd");
  for (ConfigReader& registry : root.Children("private_registries")) {
    config.private_registries.push_back(registry.value());
  }
  ReadEtcd(etcd, config);
  config.ssh_agent_auth = root.Flag("ssh_agent_auth");
  config.secrets_encryption =
      services.Child("kube-api").Child("secrets_encryption_config").Flag("enabled");
  if (root.Child("cloud_provider").Text("name") == "aws") {
    root.Warn("cloud_provider.name", "with aws rke may name Nodes after the instance's metadata");
  }
  if (config.kubernetes_version.empty()) {
    root.Warn("kubernetes_version", "is not set: rke up would take its own default version");
  }
  return config;
}

}  // namespace

bool ClusterNode::Has(const std::string& role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::vector<ClusterNode> ClusterConfig::WithRole(const std::string& role) const {
  std::vector<ClusterNode> found;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(found),
               [&](const ClusterNode& node) { return node.Has(role); });
  return found;
}

Result<ClusterConfig> ParseClusterConfig(const Json& document) {
  if (!document.is_object()) {
    return Terminal("ClusterConfigInvalid", "cluster.yml is not a mapping of keys to values");
  }
  Findings findings;
  ClusterConfig config = ReadConfig(document, findings);
  if (!findings.faults.empty()) {
    std::vector<std::string> all = findings.faults;
    all.insert(all.end(), findings.unsupported.begin(), findings.unsupported.end());
    return Terminal("ClusterConfigInvalid", fmt::format("{}", fmt::join(all, "\n")));
  }
  if (!findings.unsupported.empty()) {
    return Terminal("ClusterConfigUnsupported",
                    fmt::format("{}", fmt::join(findings.unsupported, "\n")));
  }
  config.warnings = findings.warnings;
  return config;
}

}  // namespace etcdrestore
