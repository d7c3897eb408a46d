#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "operator/adapters/ssh/host_key_gate.h"
#include "operator/adapters/ssh/transport.h"
#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/ports/node.h"

struct _LIBSSH2_CHANNEL;
struct _LIBSSH2_SESSION;

namespace etcdrestore {

/// How long to believe in a silent machine. Every wait also ends with its call.
struct SshTimeouts {
  std::chrono::milliseconds connect{10'000};    ///< name lookup and TCP
  std::chrono::milliseconds handshake{20'000};  ///< SSH handshake and authentication
  std::chrono::milliseconds channel{15'000};    ///< answer to "open a channel", else a new session
  std::chrono::milliseconds probe{60'000};      ///< the first command, which looks for root
  std::chrono::milliseconds keepalive{15'000};  ///< between probes while commands run; at least 3 s
  std::chrono::milliseconds dead_after{45'000};  ///< an unanswered probe this old: connection lost
};

namespace ssh {

/// "n1 (core@10.0.0.1:22)", for messages.
std::string Label(const NodeEndpoint& node);

/// One authenticated SSH connection, used by several threads at once. libssh2 is not thread safe,
/// so every call of it happens under one lock; of the threads that wait, one polls the socket
/// outside the lock and wakes the others when anything came. No thread of its own.
class Session {
 public:
  struct Options {
    SshTimeouts timeouts = {};
    std::string agent_socket = {};  ///< empty: $SSH_AUTH_SOCK
  };

  /// Connects, checks the host key, authenticates. Errors as NodeConnector, and AlgorithmMismatch
  /// (terminal): no common cipher, MAC or key exchange.
  static Result<std::shared_ptr<Session>> Open(const Call& call, const NodeEndpoint& node,
                                               HostKeyGate& gate, const Options& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const HostKey& host_key() const { return host_key_; }
  [[nodiscard]] const NodeEndpoint& node() const { return node_; }
  /// False once the connection is lost or used up; a new one is needed then.
  [[nodiscard]] bool usable();

  /// The lock under which libssh2 may be called. Flushes and wakes others when it ends.
  class Turn {
   public:
    explicit Turn(Session& session) : session_(session), lock_(session.mutex_) {}
    ~Turn() { session_.Settle(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    friend class Session;
    Session& session_;
    std::unique_lock<std::mutex> lock_;
  };

  [[nodiscard]] _LIBSSH2_SESSION* raw() const { return raw_; }
  [[nodiscard]] Transport& transport() { return transport_; }

  /// Repeats `step` until it is something else than LIBSSH2_ERROR_EAGAIN and returns that. Errors:
  /// ConnectionLost, Interrupted, DeadlineExceeded.
  Result<int> Until(Turn& turn, const Call& call, const std::function<int()>& step);
  /// Sleeps, outside the lock, until something came in or went out. Errors as Until.
  Status Wait(Turn& turn, const Call& call);
  /// The error of a libssh2 call that failed for good; ConnectionLost when the session died of it.
  Error Failure(const std::string& doing, int rc);

  /// A new channel; waits while as many are open as the server allows. Errors as Until, and
  /// ChannelRefused (transient) when this session will give none: nothing was sent. Start must
  /// follow, or Release: until then nobody else gets one.
  Result<_LIBSSH2_CHANNEL*> OpenChannel(const Call& call);
  /// Asks the server to run a shell line. Errors as Until, and ChannelRefused: it runs none.
  Status Start(Turn& turn, const Call& call, _LIBSSH2_CHANNEL* channel, const std::string& line);
  /// Gives a channel back. One whose program has not ended is told to terminate and given up.
  void Release(Turn& turn, _LIBSSH2_CHANNEL* channel, bool ended);

 private:
  Session(NodeEndpoint node, UniqueFd socket, const Options& options);
  static Result<std::shared_ptr<Session>> Shake(const Call& call, const NodeEndpoint& node,
                                                const Options& options,
                                                const std::vector<std::string>& types);
  Status Handshake(const Call& call, const std::vector<std::string>& types);
  Error HandshakeFailure(int rc);
  [[nodiscard]] Error Lost() const;
  Status ProbePeer();
  [[nodiscard]] SteadyTime DeadAt() const;
  void Settle();
  void Announce();
  void FreeAbandoned();

  const NodeEndpoint node_;
  const Options options_;

  std::mutex mutex_;  ///< guards everything below
  std::condition_variable_any changed_;
  std::uint64_t generation_ = 0;  ///< counts reasons to look again
  bool polling_ = false;          ///< a thread sleeps on the socket
  bool polls_output_ = false;     ///< and will notice when it can be written
  Waker waker_;
  Transport transport_;
  std::uint64_t announced_ = 0;  ///< received bytes that others were told of
  SteadyTime next_probe_;
  SteadyTime unanswered_since_ = SteadyTime::max();
  _LIBSSH2_SESSION* raw_ = nullptr;
  HostKey host_key_;

  /// A channel is between opening and Start. libssh2 fails when two threads wait for answers of
  /// one type, because it looks only for its own among those that come.
  bool starting_ = false;
  bool retired_ = false;  ///< takes no new commands
  std::size_t open_ = 0;
  std::size_t most_open_ = 8;  ///< OpenSSH's MaxSessions is 10 by default; lowered when refused
  std::list<_LIBSSH2_CHANNEL*> abandoned_;  ///< counted in open_ until the server lets go
};

}  // namespace ssh
}  // namespace etcdrestore
