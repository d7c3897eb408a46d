#include "operator/adapters/ssh/transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace etcdrestore::ssh {

bool Transport::AwaitAgent(int fd, short events) const {
  while (agent_call_ != nullptr && !agent_call_->Over()) {
    pollfd ready{fd, events, 0};
    if (poll(&ready, 1, 0) > 0) return true;
    SleepOn(fd, events, agent_waker_, *agent_call_, agent_call_->deadline);
  }
  return false;
}

ssize_t Transport::Send(int fd, const void* bytes, std::size_t size) {
  if (fd != socket_.get()) {
    if (!AwaitAgent(fd, POLLOUT)) return -ETIMEDOUT;
    const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
  }
  if (broken_) return -EPIPE;
  out_.append(static_cast<const char*>(bytes), size);
  Flush();
  return broken_ ? -EPIPE : static_cast<ssize_t>(size);
}

void Transport::Flush() {
  while (!broken_ && sent_ < out_.size()) {
    const ssize_t sent =
        send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) {
      broken_ = true;
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  // Moving the rest to the front on each packet would cost a copy a packet.
  constexpr std::size_t kTidyAt = 1U << 20U;
  if (sent_ == out_.size() || sent_ > kTidyAt) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
}

ssize_t Transport::Recv(int fd, void* bytes, std::size_t size) {
  if (fd != socket_.get()) {
    if (!AwaitAgent(fd, POLLIN)) return -ETIMEDOUT;
    const ssize_t got = recv(fd, bytes, size, 0);
    // libssh2 asks again for ever when it is told 0.
    if (got == 0) return -ECONNRESET;
    return got < 0 ? -errno : got;
  }
  if (broken_) return -ECONNRESET;
  ssize_t got = 0;
  do {
    got = recv(fd, bytes, size, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    received_ += static_cast<std::uint64_t>(got);
    return got;
  }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return -EAGAIN;
  broken_ = true;
  return got < 0 ? -errno : 0;
}

}  // namespace etcdrestore::ssh
