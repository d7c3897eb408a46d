#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"
#include "operator/ports/node.h"
#include "reconcilers/restore/facts.h"
#include "reconcilers/restore/old_data.h"

namespace etcdrestore {

/// What a look should gather beside the cheap facts.
struct LookOptions {
  bool images = false;  ///< image list
  std::string_view tool_image =
      {};                    ///< and abilities of this image's etcd tool; borrowed for the call
  bool hash_staged = false;  ///< sha256 of the staged snapshot
  bool hash_data = false;    ///< sha256 of the restored db
  bool etcd = false;         ///< ask the node's etcd
  std::int64_t hash_revision = 0;  ///< compute hashkv at this revision; 0: at the newest
  bool api = false;                ///< ask the node's API server for readiness
  bool kube_nodes = false;         ///< and for Nodes, Leases, Secrets
  bool health = false;  ///< ask every component's healthz; with kube_nodes also for network pods

  bool operator==(const LookOptions&) const = default;
};

/// Who may act on a node: the fencing token that every remote act compares.
struct Holder {
  std::string id;  ///< machine/pid/start time of the process: unique, comparable
  std::string cluster;
};

struct EtcdRestoreArgs {
  std::string image;
  std::string member_name;
  std::string peer_url;
  std::string initial_cluster;
  std::string token;
  std::int64_t bump = 0;   ///< 0: the tool cannot
  std::string owner;       ///< uid:gid of the data when no old member shows it
  std::string db_sha256;   ///< of the copy made before, from the receipt: one that changed
                           ///< since is made anew; "" when none was made
  bool with_hash = false;  ///< also ask the etcd tool for its hash of the content
};

/// The restored member/snap/db before etcd ever opened it.
struct RestoredDb {
  std::string sha256;  ///< hex of the file
  std::string hash;    ///< what `etcdutl snapshot status` calls hash; only when asked for
};

/// Everything the reconciler does to one machine. Each act is idempotent or recognisable when half
/// done, compares the holder inside the same remote script and changes nothing when it is not ours
/// (LockLost, terminal). Acts may be called again. One act a node at a time; looks any time.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Result<NodeFacts> Look(const Call& call, const LookOptions& options) = 0;
  /// From now on an act that succeeds also looks, in the same trip to the node; nullopt ends it. A
  /// machine that cannot is looked at by itself.
  virtual void LookWithActs(const std::optional<LookOptions>& /*options*/) {}
  /// What the newest act saw on its way, once and only while it is fresh.
  virtual std::optional<NodeFacts> Looked(const LookOptions& /*options*/) { return std::nullopt; }

  /// Takes the node for this holder. `may_replace`: holders known to be dead, or "*" when a person
  /// said so. Error LockedByOther (terminal), naming the holder.
  virtual Status Take(const Call& call, const std::vector<std::string>& may_replace) = 0;
  virtual Status Renew(const Call& call) = 0;
  virtual Status Release(const Call& call) = 0;
  virtual Status WriteReceipt(const Call& call, const Receipt& receipt) = 0;

  /// Puts the snapshot into the run's folder. Verified by size and sha256 before it gets its name.
  virtual Status FetchSnapshot(const Call& call, const Secret& url, std::uint64_t size,
                               const std::string& sha256) = 0;
  virtual Status PutSnapshot(const Call& call, ByteSource bytes, std::uint64_t size,
                             const std::string& sha256) = 0;
  /// Restores the staged snapshot beside the live data, or finds there the copy that `args` names.
  virtual Result<RestoredDb> RestoreBeside(const Call& call, const EtcdRestoreArgs& args) = 0;

  virtual Status SetPolicies(const Call& call,
                             const std::map<std::string, std::string>& policies) = 0;
  virtual Status Stop(const Call& call, const std::vector<std::string>& names) = 0;
  virtual Status Start(const Call& call, const std::vector<std::string>& names) = 0;
  virtual Status Restart(const Call& call, const std::vector<std::string>& names) = 0;
  virtual Status MoveOldDataAside(const Call& call) = 0;
  virtual Status PutNewDataInPlace(const Call& call) = 0;
  /// `volumes`: with their unnamed volumes.
  virtual Status RemoveContainers(const Call& call, const std::vector<std::string>& names,
                                  bool volumes) = 0;
  virtual Status CleanPaths(const Call& call) = 0;
  /// Deletes what a finished run kept: its old data, copies of certificates, staged snapshot.
  virtual Status Purge(const Call& call, const OldDataDue& due) = 0;
  /// Deletes pods of kube-system through this node's API server, as its kubelet may. Their
  /// controllers make new ones.
  virtual Status DeletePods(const Call& call, const std::vector<std::string>& names) = 0;

  /// Lets the node's docker pull an image. `login` is the text of a docker config.json, which is in
  /// the node's memory only while that lasts.
  virtual Status PullImage(const Call& call, const std::string& image, const Secret& login) = 0;
  /// Images by `docker save` to a sink and `docker load` from a source; additive, so not fenced.
  /// What is there afterwards is looked at.
  virtual Status SaveImages(const Call& call, const std::vector<std::string>& images,
                            const ByteSink& sink) = 0;
  virtual Status LoadImages(const Call& call, ByteSource bytes) = 0;
};

}  // namespace etcdrestore
