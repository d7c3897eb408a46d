#pragma once

#include <string>
#include <vector>

#include "reconcilers/restore/reconciler.h"

namespace etcdrestore {

struct SessionOptions {
  std::vector<std::string>
      files;                     ///< -f: files or folders with the EtcdRestore, Secrets, ConfigMaps
  std::string state_dir;         ///< "" for DefaultStateDir()
  std::string rke = "rke";       ///< program or path
  std::string known_hosts_file;  ///< used when the spec names none; "" for ~/.ssh/known_hosts
  RunRequest request;
};

/// What a whole run in standalone mode came to.
struct SessionResult {
  Ending ending = Ending::kRejected;
  Error error;
  nlohmann::ordered_json status;     ///< the same document as the object's status
  std::string status_path;           ///< where it lies on disk; "" when nothing was written
  std::string where_things_stand;    ///< after a bad end past the point of no return
  std::vector<std::string> outputs;  ///< files written for people: kubeconfig, rkestate
  std::vector<std::pair<std::string, std::vector<std::string>>> way_back;  ///< node -> commands
};

/// $XDG_STATE_HOME/etcdrestore, else ~/.local/state/etcdrestore.
std::string DefaultStateDir();

/// The composition root of standalone mode: reads the files, connects real adapters, runs the
/// reconciler. A cluster's runs are serialised on this machine by a lock file, on the nodes by
/// their own.
SessionResult RunSession(const Call& call, const SessionOptions& options, RunListener& listener);

}  // namespace etcdrestore
