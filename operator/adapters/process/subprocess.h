#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

struct ProcessRequest {
  std::vector<std::string> argv;                 ///< argv[0] is a path
  std::vector<std::string> environment;          ///< whole environment, "NAME=value"
  std::string folder;                            ///< working directory, "" for ours
  std::function<void(const std::string&)> line;  ///< each line of stdout and stderr together
  std::function<Status()> alive;  ///< asked about every second; an error ends the process
  /// Until when it may live if we are not heard of again, because we died, were stopped or hang.
  /// Asked four times a second from a thread of its own; must not block. Empty: for as long as we.
  std::function<SteadyTime()> until;
};

struct ProcessResult {
  int exit_code = -1;  ///< 128+n for signal n
};

/// Runs a program in a process group of its own, and its whole group never outlives us: a guard
/// process between us and it kills the group when our end of a socket closes, however we die
/// (PR_SET_PDEATHSIG follows a thread and is no use), and when `until` has passed and no later time
/// was told. Stop, deadline and `alive` end it: SIGTERM, five seconds later SIGKILL. Errors:
/// ProgramMissing (terminal), ProcessFenced, Interrupted, DeadlineExceeded, or the error of
/// `alive`.
Result<ProcessResult> RunProcess(const Call& call, const ProcessRequest& request);

}  // namespace etcdrestore
