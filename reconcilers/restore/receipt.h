#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace etcdrestore {

/// How far a run has come on one node. Only grows; kRestored closes the destructive steps for the
/// run.
enum class Stage {
  kPrepared,   ///< token chosen; nothing of the cluster has been touched
  kCommitted,  ///< the point of no return: writers may be stopped, data may be moved
  kRestored,   ///< the data directory is the one made in this run, proved before etcd started
  kFinished,   ///< the whole run was verified
};

/// What a container was before this run touched it, so that it can be put back.
struct ContainerBefore {
  std::string policy;
  bool running = false;
  bool operator==(const ContainerBefore&) const = default;
};

/// The record of a run on one node's disk, /opt/rke/.etcdrestore/receipt.json. Written whole
/// (temporary file, fsync, rename). Holds no secret.
struct Receipt {
  std::string cluster;
  std::string run_key;  ///< clusterName/namespace/name/runID
  std::string run;      ///< the run's short name in paths and container names
  std::string spec_digest;
  std::string token;  ///< --initial-cluster-token of the native restore
  std::string strategy;
  Stage stage = Stage::kPrepared;
  std::string snapshot_sha256;
  std::string restored_db_sha256;  ///< of the restored member/snap/db before etcd ever opened it
  std::string restored_db_hash;    ///< `etcdutl snapshot status` hash of the same file
  std::int64_t bumped_by = 0;      ///< added to the snapshot's revision; 0 when the tool cannot
  std::string old_data_path;       ///< the oldest kept data: the way back
  double restored_at = 0;          ///< seconds of the node's clock when the data was put in place
  double finished_at = 0;
  double keep_for = 168 * 3600;  ///< seconds that the old data is kept after that; the run's wish
  std::map<std::string, ContainerBefore> before;

  bool operator==(const Receipt&) const = default;
};

nlohmann::ordered_json ToJson(const Receipt& receipt);
/// Error ReceiptUnreadable (terminal): an unreadable record blocks, it is never read as absent.
Result<Receipt> ParseReceipt(const std::string& text);
std::string StageName(Stage stage);

}  // namespace etcdrestore
