#pragma once

#include <string>
#include <vector>

#include "operator/session/session.h"

namespace etcdrestore {

struct SessionOptions {
  std::vector<std::string>
      files;                     ///< -f: files or folders with the EtcdRestore, Secrets, ConfigMaps
  std::string state_dir;         ///< "" for DefaultStateDir()
  std::string rke = "rke";       ///< program or path
  std::string known_hosts_file;  ///< used when the spec names none; "" for ~/.ssh/known_hosts
  RunRequest request;
};

/// $XDG_STATE_HOME/etcdrestore, else ~/.local/state/etcdrestore.
std::string DefaultStateDir();

/// Standalone mode: reads the files, runs, and puts what rke made beside them.
SessionResult RunFiles(const Call& call, const SessionOptions& options, RunListener& listener);

}  // namespace etcdrestore
