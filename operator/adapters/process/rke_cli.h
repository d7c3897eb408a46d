#pragma once

#include <memory>
#include <string>

#include "operator/ports/rke.h"

namespace etcdrestore {

/// ClusterRebuilder by the rke program at `path` ("rke" is looked for on PATH). Its whole output
/// goes to `log_folder`/rke-up-<n>.log, mode 0600: rke prints no keys in `up`, but prints addresses
/// and names.
std::unique_ptr<ClusterRebuilder> MakeRkeCli(std::string path, std::string log_folder);

/// What to run for "rke": the path itself when it has a slash, else the first match on PATH, ""
/// when none.
std::string FindProgram(const std::string& name);

}  // namespace etcdrestore
