#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// Fills the span and returns how many bytes; 0 is the end.
using ByteSource = std::function<Result<std::size_t>(std::span<char>)>;
/// Takes bytes as they arrive; an error ends the transfer with that error.
using ByteSink = std::function<Status(std::string_view)>;

/// Hears how far a transfer is: for people. Called often and from any thread.
using BytesMoved =
    std::function<void(const std::string& what, std::uint64_t done, std::uint64_t total)>;

ByteSource BytesOf(std::string text);
/// Reads a local file from its start; error FileUnreadable.
Result<ByteSource> BytesOfFile(const std::string& path);

/// One program on one node. argv is never joined by callers: the adapter quotes it.
struct Command {
  std::vector<std::string> argv;
  ByteSource input;  ///< standard input; none when empty
  ByteSink output;   ///< where standard output goes; kept in the result when empty
  std::size_t max_output =
      4U << 20U;  ///< bytes kept of stdout and of stderr each; the rest is dropped
  bool as_root = true;
};

struct CommandResult {
  int exit_code =
      -1;  ///< as the shell would say; 128+n for signal n; never proof of anything by itself
  std::string out;
  std::string err;
  bool truncated = false;
};

/// How a node makes a command root's; chosen once at Connect, shown to people.
enum class RootMethod { kUid0, kSudo, kDockerNsenter };

/// One machine. Methods may be called from several threads; each call is one channel. Errors:
/// Unreachable, ConnectionLost, DeadlineExceeded, Interrupted (transient), InvalidCommand
/// (terminal: no argv, a NUL byte, too long), what the source or sink said, and those of Connect
/// when the connection had to be made anew; never an error for a non-zero exit.
class Node {
 public:
  virtual ~Node() = default;
  virtual Result<CommandResult> Run(const Call& call, const Command& command) = 0;
  [[nodiscard]] virtual std::string host_key_fingerprint() const = 0;  ///< "SHA256:…"
  [[nodiscard]] virtual RootMethod root_method() const = 0;
};

/// How to reach a node; made from cluster.yml, owned by the caller.
struct NodeEndpoint {
  std::string name;  ///< for messages
  std::string address;
  int port = 22;
  std::string user;
  Secret private_key;  ///< PEM or OpenSSH text; empty: the agent, if allowed
  Secret passphrase;
  bool use_agent = false;
  std::string docker_socket = "/var/run/docker.sock";
};

/// Opens connections. Errors: Unreachable, DeadlineExceeded, Interrupted (transient);
/// HostKeyMismatch, HostKeyUnknown, AuthenticationFailed, KeyUnreadable, NoWayToRoot,
/// AlgorithmMismatch (no cipher, MAC, key exchange or host key type in common), UnusableShell (the
/// user's login shell is not POSIX or prints text of its own) (terminal).
/// Messages name the node and what to do.
class NodeConnector {
 public:
  virtual ~NodeConnector() = default;
  virtual Result<std::unique_ptr<Node>> Connect(const Call& call, const NodeEndpoint& endpoint) = 0;
};

}  // namespace etcdrestore
