#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace etcdrestore {

/// One node of cluster.yml with rke's defaults applied (facts: rancher/rke types/rke_types.go).
struct ClusterNode {
  std::string address;
  std::string internal_address;  ///< address when cluster.yml has none
  int port = 22;
  std::string user;
  std::vector<std::string> roles;  ///< controlplane, etcd, worker
  std::string hostname;  ///< hostname_override lower-cased, else address: the Node object's name
  std::string docker_socket = "/var/run/docker.sock";
  std::string ssh_key;       ///< inline key text; secret
  std::string ssh_key_path;  ///< node's, else the cluster's, else ~/.ssh/id_rsa as rke has it
  [[nodiscard]] bool Has(const std::string& role) const;
};

/// cluster.yml as rke means it. A value; made by Parse, changed only by Replace.
struct ClusterConfig {
  nlohmann::ordered_json raw;  ///< everything, unknown keys included, in file order
  std::vector<ClusterNode> nodes;
  std::string kubernetes_version;
  std::string prefix_path;  ///< "" or an absolute path without trailing slash
  std::string etcd_image;   ///< system_images.etcd, "" when not given
  std::vector<nlohmann::ordered_json> private_registries;
  int etcd_uid = 0;
  int etcd_gid = 0;
  std::map<std::string, std::string> etcd_extra_args;
  bool ssh_agent_auth = false;
  bool secrets_encryption = false;  ///< services.kube-api.secrets_encryption_config.enabled
  std::vector<std::string> warnings;

  [[nodiscard]] std::vector<ClusterNode> WithRole(const std::string& role) const;
};

/// Reads cluster.yml, already turned into JSON (operator/adapters/manifests/cluster_text.h does
/// both; the YAML must have been read in rke's dialect). All faults at once, one a line, each with
/// its path (nodes[2].role[0]); refuses what is not supported yet in words (bastion_host, external
/// etcd). Pure. Errors: ClusterConfigInvalid, ClusterConfigUnsupported (terminal).
Result<ClusterConfig> ParseClusterConfig(const nlohmann::ordered_json& document);

struct NodeReplacement {
  std::string address;  ///< as in cluster.yml
  std::string with_address;
  std::string with_internal_address;   ///< "" when not given
  std::string with_hostname_override;  ///< "" keeps the old value
};

/// The config with dead nodes' entries pointing at new machines; user, role, key and unknown keys
/// stay, and so does a hostname_override, whose Node object is then kept (an entry without one is
/// named by its address, hence by the new address). Pure. Refuses, all at once: an address not in
/// the file, the same address twice, a replacement already in use, a name already in use,
/// internalAddress missing where the old entry has one; a majority of etcd nodes replaced is
/// allowed (the snapshot is the truth). Error: ReplaceNodesInvalid.
Result<ClusterConfig> ReplaceNodes(const ClusterConfig& config,
                                   const std::vector<NodeReplacement>& changes);

}  // namespace etcdrestore
