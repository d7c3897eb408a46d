#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "reconcilers/restore/receipt.h"

namespace etcdrestore {

/// Facts of one look at one node. std::optional and "unknown" mean "could not tell" and are never
/// read as absent.

struct Mount {
  std::string source;
  std::string destination;
};

struct ContainerFacts {
  std::string name;
  std::string image;
  bool running = false;
  std::string policy;     ///< restart policy: always, no, unless-stopped, on-failure
  double started_at = 0;  ///< seconds of the node's clock
  int restarts = 0;
  bool rke = false;                  ///< carries label io.rancher.rke.container.name
  std::vector<std::string> command;  ///< only of `etcd`
  std::vector<Mount> mounts;         ///< only of `etcd`
  std::string user;                  ///< only of `etcd`
};

/// What lies on disk for etcd on this node.
struct DataFacts {
  bool member_exists = false;
  std::string member_run;    ///< run that made `member`; "" when it was not made by us
  bool kept_exists = false;  ///< this run's old data has been moved aside (or was noted as absent)
  bool restored_exists = false;  ///< this run's restored data waits beside the live data
  std::string restored_run;
  std::string db_sha256;  ///< of the restored db, where it lies now; only when asked for
  bool is_mount = false;
  std::uint64_t data_available = 0;     ///< bytes free on the data dir's file system
  std::uint64_t stage_available = 0;    ///< bytes free under /opt/rke
  std::uint64_t staged_size = 0;        ///< bytes of the staged snapshot, 0 when there is none
  std::string staged_sha256;            ///< only when asked for
  std::vector<std::string> older_kept;  ///< kept data of earlier runs, oldest first
};

struct EtcdMember {
  std::uint64_t id = 0;
  std::string name;
  std::vector<std::string> peer_urls;
};

/// What the node's own etcd answers on its client port.
struct EtcdFacts {
  std::uint64_t cluster_id = 0;
  std::uint64_t member_id = 0;
  std::uint64_t leader = 0;
  std::int64_t revision = 0;
  std::int64_t compact_revision = -1;
  std::int64_t hash_revision = 0;
  std::uint32_t hash = 0;
  std::uint64_t keys = 0;
  std::uint64_t db_size = 0;
  std::vector<EtcdMember> members;
  std::vector<std::string> alarms;
};

/// A run that ended well on this node, from its archived receipt.
struct FinishedRun {
  std::string run_key;
  std::string run;            ///< short name
  std::string old_data_path;  ///< where it kept the oldest data
  double finished_at = 0;     ///< seconds of the node's clock
  double keep_for = 0;        ///< seconds that it promised to keep that data
};

struct LockFacts {
  std::string holder;  ///< "" when nobody holds the node
  std::string cluster;
  double renewed = 0;  ///< seconds of the node's clock
};

struct KubeNode {
  std::string name;
  bool ready = false;
  double lease_renewed = 0;  ///< seconds since the epoch; 0 when the node has no Lease
  std::string internal_ip;
};

/// A pod of the cluster's network in kube-system, found by rke's labels.
struct NetworkPod {
  std::string name;
  std::string uid;
  std::string node;
  double started_at = 0;  ///< seconds of its node's clock; 0 when no kubelet has taken it yet
  bool terminating = false;
};

/// What the cluster's own API says, asked on a control plane node. Empty optionals: it did not
/// answer.
struct ApiFacts {
  bool ready = false;   ///< /readyz answered 200
  std::string message;  ///< what it said instead
  std::optional<bool> secrets_listed;
  std::optional<std::vector<KubeNode>> nodes;
  std::optional<std::vector<NetworkPod>> network_pods;
};

struct NodeFacts {
  double now = 0;      ///< the node's clock, seconds since the epoch
  double skew = 0;     ///< node's clock less ours as far as the round trip proves it, seconds
  std::string access;  ///< for people: the host key and the way to root
  std::string docker_version;  ///< "" when the daemon did not answer
  std::string docker_error;
  std::optional<std::vector<ContainerFacts>> containers;
  std::vector<std::string> images;  ///< repository:tag; only when asked for
  /// "bump", "plain", "missing", or "unknown: why"; "" when not asked for
  std::string etcdutl;
  std::string etcdutl_image;      ///< the image whose tool that is; only when asked for
  bool etcdutl_can_bump = false;  ///< and it knows --bump-revision; only when asked for
  /// Names ("aescbc:key1") in the API server's encryption configuration, none when it has no such
  /// file; nullopt: not asked for, or there is no API server container.
  std::optional<std::vector<std::string>> encryption_keys;
  bool has_curl = false, has_wget = false;
  std::optional<Receipt> receipt;  ///< nullopt: there is none
  std::string receipt_error;       ///< not empty: there is one that cannot be read
  std::vector<FinishedRun> finished_runs;
  LockFacts lock;
  DataFacts data;
  std::string ca_pem;  ///< /etc/kubernetes/ssl/kube-ca.pem, "" when absent
  bool etcd_asked = false;
  std::optional<EtcdFacts> etcd;
  std::string etcd_error;
  bool api_asked = false;
  ApiFacts api;
  std::map<std::string, std::string>
      health;  ///< component -> "ok" or what was seen; absent: not asked
  std::vector<std::string>
      left_paths;  ///< of the clean-up list, those that are not absent or empty

  [[nodiscard]] const ContainerFacts* Container(const std::string& name) const;
  [[nodiscard]] bool Running(const std::string& name) const;
};

/// Reads what the look script printed. Error LookUnreadable (transient): the output is cut or
/// foreign.
Result<NodeFacts> ParseLook(const std::string& text);

}  // namespace etcdrestore
