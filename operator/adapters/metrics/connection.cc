#include "operator/adapters/metrics/connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace etcdrestore {
namespace {

constexpr std::chrono::milliseconds kSlice{200};
constexpr std::size_t kMostAtOnce = 16U << 10U;

bool Ready(const Call& call, int fd, short what) {
  while (!call.Over()) {
    pollfd one{fd, what, 0};
    if (poll(&one, 1, static_cast<int>(std::min(kSlice, call.Left()).count())) > 0) return true;
  }
  return false;
}

/// What to wait for after a step that moved nothing; 0 when there will be no more.
short WaitOf(SSL* session, int moved) {
  switch (SSL_get_error(session, moved)) {
    case SSL_ERROR_WANT_READ:
      return POLLIN;
    case SSL_ERROR_WANT_WRITE:
      return POLLOUT;
    default:
      return 0;
  }
}

}  // namespace

bool Readable(const Call& call, int fd) { return Ready(call, fd, POLLIN); }

void Connection::Free::operator()(SSL* session) const { SSL_free(session); }

Connection::~Connection() {
  session_.reset();
  close(fd_);
}

/// The step again until it moves bytes; 0 when it never will, or not in time. A plain socket waits
/// for `what`.
template <typename Step>
int Connection::Repeat(const Call& call, short what, const Step& step) {
  while (true) {
    ERR_clear_error();
    const int moved = step();
    if (moved > 0) return moved;
    const bool later = moved < 0 && (errno == EAGAIN || errno == EINTR);
    const short wait = session_ ? WaitOf(session_.get(), moved) : (later ? what : short{0});
    if (wait == 0 || !Ready(call, fd_, wait)) return 0;
  }
}

std::unique_ptr<Connection> Connection::Open(const Call& call, int fd,
                                             std::shared_ptr<const TlsIdentity> identity) {
  std::unique_ptr<Connection> connection(new Connection(fd));
  if (!identity) return connection;
  connection->identity_ = std::move(identity);
  connection->session_.reset(SSL_new(connection->identity_->context()));
  SSL* session = connection->session_.get();
  if (session == nullptr || SSL_set_fd(session, fd) != 1) return nullptr;
  if (connection->Repeat(call, POLLIN, [&] { return SSL_accept(session); }) == 0) return nullptr;
  return connection;
}

std::size_t Connection::Read(const Call& call, char* buffer, std::size_t size) {
  return static_cast<std::size_t>(Repeat(call, POLLIN, [&] {
    return session_ ? SSL_read(session_.get(), buffer, static_cast<int>(size))
                    : static_cast<int>(recv(fd_, buffer, size, 0));
  }));
}

void Connection::WriteLast(const Call& call, std::string_view text) {
  while (!text.empty()) {
    const int size = static_cast<int>(std::min(text.size(), kMostAtOnce));
    const int moved = Repeat(call, POLLOUT, [&] {
      return session_ ? SSL_write(session_.get(), text.data(), size)
                      : static_cast<int>(
                            send(fd_, text.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL));
    });
    if (moved == 0) return;
    text.remove_prefix(static_cast<std::size_t>(moved));
  }
  // Tells the client that nothing was cut off.
  if (session_) SSL_shutdown(session_.get());
}

}  // namespace etcdrestore
