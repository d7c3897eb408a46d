#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore::ssh {

/// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Ends somebody's poll. Wake may be called from any thread, also from a stop callback.
class Waker {
 public:
  Waker();
  void Wake() const;
  void Drain() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

/// Sleeps until `fd` has one of the poll(2) `events`, the waker is used, the call is stopped or
/// `until` has come. Says nothing about which; look again. Drains the waker.
void SleepOn(int fd, short events, const Waker& waker, const Call& call, SteadyTime until);

/// Resolves and connects; the socket is non-blocking, without Nagle, with TCP keepalive. All
/// addresses of a name are tried within `budget`. Error Unreachable says whether the name is
/// unknown, nobody listens, or nothing answers; Interrupted, DeadlineExceeded as in Call.
Result<UniqueFd> ConnectTcp(const Call& call, const std::string& host, int port,
                            std::chrono::milliseconds budget);

}  // namespace etcdrestore::ssh
