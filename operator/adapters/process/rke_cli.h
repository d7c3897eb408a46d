#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/base/clock.h"
#include "operator/ports/rke.h"

namespace etcdrestore {

/// ClusterRebuilder by the rke program at `path` ("rke" is looked for on PATH). Its whole output
/// goes to `log_folder`/rke-up-<n>.log, mode 0600: rke prints no keys in `up`, but prints addresses
/// and names.
///
/// An rke that works dies, whatever becomes of this process, before another run may take the nodes'
/// locks, and not later than `may_run_until` told last; that is asked often, from another thread.
std::unique_ptr<ClusterRebuilder> MakeRkeCli(std::string path, std::string log_folder,
                                             std::function<SteadyTime()> may_run_until);

/// What to run for "rke": the path itself when it has a slash, else the first match on PATH, ""
/// when none.
std::string FindProgram(const std::string& name);

}  // namespace etcdrestore
