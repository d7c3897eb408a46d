#pragma once

#include <string>
#include <vector>

#include "tests/fakes/rig.h"

namespace etcdrestore {

/// Exit code and reason of a run's end: "0", "3 PreflightFailed".
std::string Said(const RunRecord& record);

RunRequest Asked(RunMode mode);
RunRequest Approved(const std::string& plan);
RunRequest TakingOver();

/// Calls that touch more than the run's own folders.
std::vector<std::string> Touching(const fakes::Rig& rig);

}  // namespace etcdrestore
