#pragma once

#include <memory>
#include <string>

#include "operator/adapters/ssh/host_key_gate.h"
#include "operator/adapters/ssh/session.h"
#include "operator/ports/node.h"

namespace etcdrestore {

/// Nodes over SSH (libssh2 >= 1.11.1). Thread safe: many nodes may be connected at once. It may go
/// away before its nodes.
///
/// Connect proves the host key, logs in and finds the way to root. Further errors than the port
/// names, all terminal: AlgorithmMismatch (no cipher, MAC or key exchange in common), UnusableShell
/// (the user's shell is not POSIX or prints noise).
///
/// Run, beyond the port: argv[0] is found by the login's PATH, which for root may lack /usr/sbin.
/// One connection carries all commands of a node. When it was lost, Run connects again once, but
/// only before the command was sent; after that the error is ConnectionLost and the command may
/// have run. On a stop, a deadline or an error of the source or sink the remote program is left
/// behind: its input ends, and it is sent SIGTERM where the server passes that on (OpenSSH: not for
/// root's logins, nor to root's programs). It may still run, and what it read looks whole to it:
/// who uploads compares a hash before using what arrived, who repeats a command looks first. A
/// source or sink that blocks is not interrupted; it must look at the call itself. Further error:
/// InvalidCommand (terminal), a defect of the caller.
class SshConnector final : public NodeConnector {
 public:
  struct Options {
    std::string known_hosts = {};  ///< text, not a path
    ssh::HostKeyPolicy policy = ssh::HostKeyPolicy::kStrict;
    ssh::HostKeyGate::OnAccept on_accept = {};  ///< by the thread that connects; may be empty
    SshTimeouts timeouts = {};
    std::string agent_socket = {};  ///< empty: $SSH_AUTH_SOCK
  };
  explicit SshConnector(Options options);

  Result<std::unique_ptr<Node>> Connect(const Call& call, const NodeEndpoint& endpoint) override;

 private:
  std::shared_ptr<ssh::HostKeyGate> gate_;
  ssh::Session::Options options_;
};

/// Of the libssh2 that runs: "1.11.1".
std::string Libssh2Version();

}  // namespace etcdrestore
