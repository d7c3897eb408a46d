#include "operator/adapters/ssh/ssh_node.h"

#include <libssh2.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "operator/adapters/ssh/command_run.h"
#include "operator/adapters/ssh/root.h"
#include "operator/adapters/ssh/shell_quote.h"
#include "operator/adapters/ssh/wire.h"

namespace etcdrestore {
namespace {

class SshNode final : public Node {
 public:
  SshNode(NodeEndpoint endpoint, std::shared_ptr<ssh::HostKeyGate> gate,
          ssh::Session::Options options, std::shared_ptr<ssh::Session> session)
      : endpoint_(std::move(endpoint)),
        gate_(std::move(gate)),
        options_(std::move(options)),
        fingerprint_(ssh::Fingerprint(session->host_key().blob)),
        session_(std::move(session)) {}

  Status FindRoot(const Call& call) {
    auto probed =
        Run(call.Within(options_.timeouts.probe), ssh::RootProbe(endpoint_.docker_socket));
    if (!probed && probed.error().reason == "DeadlineExceeded" && !call.Over()) {
      return Transient("Unreachable", "node " + ssh::Label(endpoint_) +
                                          " took the login, but its shell, sudo or docker did not "
                                          "answer in time; it may be overloaded or its disk stuck");
    }
    if (!probed) return probed.error();
    auto access = ssh::ReadRootProbe(endpoint_, *probed);
    if (!access) return access.error();
    root_ = *std::move(access);
    return {};
  }

  Result<CommandResult> Run(const Call& call, const Command& command) override {
    if (const auto over = call.Over()) return over->In("run on node " + endpoint_.name);
    if (command.argv.empty()) return Terminal("InvalidCommand", "a command without a program");
    auto line = ShellQuote(command.as_root ? ssh::AsRoot(root_, command.argv) : command.argv);
    if (!line) return line.error();
    auto place = OpenChannel(call);
    if (!place) return place.error();
    return ssh::RunLine(call, *place->session, place->channel, *line, command);
  }

  [[nodiscard]] std::string host_key_fingerprint() const override { return fingerprint_; }
  [[nodiscard]] RootMethod root_method() const override { return root_.method; }

 private:
  struct Place {
    std::shared_ptr<ssh::Session> session;
    _LIBSSH2_CHANNEL* channel = nullptr;
  };

  /// A channel on the present session, or on a new one when that is lost or used up. Nothing of the
  /// command was sent yet, so trying again is safe.
  Result<Place> OpenChannel(const Call& call) {
    int connected = 0;
    while (true) {
      auto session = UsableSession(call, connected);
      if (!session) return session.error();
      auto channel = (*session)->OpenChannel(call);
      if (channel) return Place{*std::move(session), *channel};
      if (call.Over()) return channel.error();
      // Another thread may have spoiled the first new session for its own reasons.
      if (!(*session)->usable() && connected >= 2) {
        return Transient("Unreachable", "node " + ssh::Label(endpoint_) +
                                            " lets nobody run commands, even on new connections: " +
                                            channel.error().message);
      }
    }
  }

  /// Counts in `connected` when it makes a new session.
  Result<std::shared_ptr<ssh::Session>> UsableSession(const Call& call, int& connected) {
    std::unique_lock lock(mutex_);
    while (connecting_) {
      changed_.wait_until(lock, call.stop, std::chrono::steady_clock::now() + call.Left(),
                          [this] { return !connecting_; });
      if (const auto over = call.Over()) return over->In("run on node " + endpoint_.name);
    }
    if (session_ && session_->usable()) return session_;
    connecting_ = true;
    // Threads that still run commands on the old session keep it alive until they are done.
    session_ = nullptr;
    lock.unlock();
    auto opened = ssh::Session::Open(call, endpoint_, *gate_, options_);
    lock.lock();
    connecting_ = false;
    changed_.notify_all();
    if (!opened) return opened.error().In("connect again");
    ++connected;
    session_ = *opened;
    return session_;
  }

  const NodeEndpoint endpoint_;
  const std::shared_ptr<ssh::HostKeyGate> gate_;
  const ssh::Session::Options options_;
  const std::string fingerprint_;  ///< of the first connection
  ssh::RootAccess root_;           ///< written once, before anybody else sees the node

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool connecting_ = false;
  std::shared_ptr<ssh::Session> session_;
};

}  // namespace

SshConnector::SshConnector(Options options)
    : gate_(std::make_shared<ssh::HostKeyGate>(options.known_hosts, options.policy,
                                               std::move(options.on_accept))),
      options_{options.timeouts, std::move(options.agent_socket)} {}

Result<std::unique_ptr<Node>> SshConnector::Connect(const Call& call,
                                                    const NodeEndpoint& endpoint) {
  if (const auto over = call.Over()) return over->In("connect to node " + endpoint.name);
  auto session = ssh::Session::Open(call, endpoint, *gate_, options_);
  if (!session) return session.error();
  auto node = std::make_unique<SshNode>(endpoint, gate_, options_, *std::move(session));
  if (Status found = node->FindRoot(call); !found) return found.error();
  return std::unique_ptr<Node>(std::move(node));
}

std::string Libssh2Version() { return libssh2_version(0); }

}  // namespace etcdrestore
