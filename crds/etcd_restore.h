#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// Where a value comes from: a key of a Secret or ConfigMap in the object's namespace.
struct ValueRef {
  bool secret = true;
  std::string name;
  std::string key;  ///< "" for whole-Secret references (S3 credentials)
};

struct NodeReplacementSpec {
  std::string address;
  std::string with_address;
  std::string with_internal_address;
  std::string with_hostname_override;
};

struct S3SourceSpec {
  std::string endpoint, region, bucket, prefix;
  bool force_path_style = false;
  std::optional<ValueRef> credentials;  ///< Secret with accessKeyID, secretAccessKey, sessionToken
  std::optional<ValueRef> ca;
};
struct NodesSourceSpec {
  std::string directory = "/opt/rke/etcd-snapshots";
};
struct HttpSourceSpec {
  std::string url;
  std::optional<ValueRef> ca;
};
struct FileSourceSpec {
  std::string path;
};  ///< standalone only
using SourceSpec = std::variant<S3SourceSpec, NodesSourceSpec, HttpSourceSpec, FileSourceSpec>;

enum class Strategy { kAuto, kInPlace, kRebuild, kRunbook };
enum class HostKeyPolicy { kStrict, kAcceptNew };
enum class ApprovalMode { kAutomatic, kManual };
enum class LatestPolicy { kVerified, kAny };

struct SnapshotSpec {
  std::string name;  ///< exactly one of name, latest, before is set
  std::optional<LatestPolicy> latest;
  std::optional<SystemTime> before;
  std::string sha256;
  std::string pki_bundle;
};

struct CleanSpec {
  bool all_containers = false;    ///< containers: All; else RKE
  bool anonymous_volumes = true;  ///< volumes: Anonymous | None
  bool workers = false;
  Duration keep_old_data_for = std::chrono::hours(168);
};

struct DeadlineSpec {
  Duration total = std::chrono::hours(2);
  Duration preflight = std::chrono::minutes(15), cleaned = std::chrono::minutes(10),
           fetched = std::chrono::minutes(30), restored = std::chrono::minutes(30),
           up = std::chrono::minutes(30), restarted = std::chrono::minutes(15);
};

/// spec of kind EtcdRestore, defaults applied (crds/etcdrestores.yaml is the one source of both).
struct EtcdRestoreSpec {
  std::string cluster_name;
  ValueRef cluster_config;
  std::optional<ValueRef> cluster_state;
  std::string rke_version;
  std::optional<ValueRef> ssh_private_key;
  std::optional<ValueRef> ssh_passphrase;  ///< of an encrypted private key
  std::optional<ValueRef> known_hosts;
  HostKeyPolicy host_key_policy = HostKeyPolicy::kStrict;
  std::vector<NodeReplacementSpec> replace_nodes;
  SnapshotSpec snapshot;
  std::vector<SourceSpec> sources;
  Strategy strategy = Strategy::kAuto;
  CleanSpec clean;
  ApprovalMode approval = ApprovalMode::kAutomatic;
  std::string approved_plan;
  std::string run_id;
  bool paused = false;
  bool cancel = false;
  std::optional<SystemTime> not_after;
  DeadlineSpec deadlines;
  int attempts = 5;
};

struct EtcdRestore {
  std::string name, name_space = "default", uid;
  std::int64_t generation = 0;
  std::optional<SystemTime> created;
  EtcdRestoreSpec spec;
  nlohmann::ordered_json raw;  ///< the object as validated, defaults applied

  /// clusterName/namespace/name/runID: the identity of one run (design 4.7).
  [[nodiscard]] std::string RunKey() const;
  /// When a run that is not past its point of no return expires: spec.notAfter, else a day after
  /// the object was made (`now` when that is not known).
  [[nodiscard]] SystemTime NotAfter(SystemTime now) const;
};

/// Validates against the embedded CRD (crds/schema.h), applies defaults and converts. All faults at
/// once, one a line: `spec.runID: Required value`. Error ObjectInvalid
/// (terminal).
Result<EtcdRestore> ParseEtcdRestore(const nlohmann::ordered_json& object);

/// What the API server would say to `now` in the place of `old`: all but a few fields may change
/// only together with runID. Error ObjectInvalid.
Status CheckUpdate(const EtcdRestore& old, const EtcdRestore& now);

}  // namespace etcdrestore
