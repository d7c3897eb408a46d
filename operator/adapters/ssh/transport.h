#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "operator/adapters/ssh/socket.h"

namespace etcdrestore::ssh {

/// The bytes between libssh2 and the socket. Sending always succeeds into a buffer: libssh2 keeps a
/// half-sent packet per session and wants the very same call repeated, which several channels on
/// one session cannot promise. Whoever writes much looks at pending() first. Not thread safe: the
/// session's lock guards it.
class Transport {
 public:
  explicit Transport(UniqueFd socket) : socket_(std::move(socket)) {}

  /// What libssh2's callbacks do; 0 or a negative errno like send(2) and recv(2). Any other
  /// descriptor than the own one is the SSH agent's: it is waited for within `agent_call`.
  ssize_t Send(int fd, const void* bytes, std::size_t size);
  ssize_t Recv(int fd, void* bytes, std::size_t size);

  void Flush();
  /// Everything fails from now on, as if the peer had gone.
  void Cut() { broken_ = true; }

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] std::size_t pending() const { return out_.size() - sent_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  /// Bounds waits for the agent; borrowed until the next Use.
  void UseForAgent(const Call* call) { agent_call_ = call; }

 private:
  [[nodiscard]] bool AwaitAgent(int fd, short events) const;

  UniqueFd socket_;
  Waker agent_waker_;
  const Call* agent_call_ = nullptr;
  std::string out_;
  std::size_t sent_ = 0;  ///< bytes of out_ that the socket took
  std::uint64_t received_ = 0;
  bool broken_ = false;
};

}  // namespace etcdrestore::ssh
