#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/ports/node.h"

namespace etcdrestore::ssh {

/// How commands become root's on one node.
struct RootAccess {
  RootMethod method = RootMethod::kUid0;
  std::string docker = {};  ///< kDockerNsenter: path of the docker program there
  std::string image = {};   ///< kDockerNsenter: id of an image already there that has nsenter
  std::string socket = {};  ///< kDockerNsenter: path of Docker's socket
};

/// The command that finds out, in one round trip. It changes nothing, but where neither uid 0 nor
/// sudo help it starts short-lived containers of images that are there.
Command RootProbe(const std::string& docker_socket);

/// What the probe said. Errors (terminal): NoWayToRoot with everything that was tried;
/// UnusableShell when the login shell is no POSIX shell or prints text of its own, which would mix
/// with the output of every command.
Result<RootAccess> ReadRootProbe(const NodeEndpoint& node, const CommandResult& result);

/// The argv that runs `argv` as root. The docker way enters the host's mount, UTS, IPC and network
/// namespaces through process 1, so that also unmounts reach the host.
std::vector<std::string> AsRoot(const RootAccess& access, const std::vector<std::string>& argv);

}  // namespace etcdrestore::ssh
