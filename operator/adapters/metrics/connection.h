#pragma once

#include <memory>
#include <string_view>

#include "operator/adapters/metrics/tls_identity.h"
#include "operator/base/call.h"

struct ssl_st;  // NOLINT(readability-identifier-naming): OpenSSL's SSL

namespace etcdrestore {

/// True when there is something to read, or to accept, before the call is over; that it was stopped
/// is seen within a fifth of a second.
bool Readable(const Call& call, int fd);

/// One client: its bytes, as they are or through TLS. One thread, in which SIGPIPE must be blocked
/// or ignored. The destructor closes the socket.
class Connection {
 public:
  /// Takes the non-blocking socket `fd`. With an identity, TLS is agreed upon first: null when the
  /// client does not do so in time.
  static std::unique_ptr<Connection> Open(const Call& call, int fd,
                                          std::shared_ptr<const TlsIdentity> identity);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// How many bytes came; 0 at the end, when it broke, and when the call is over.
  std::size_t Read(const Call& call, char* buffer, std::size_t size);
  /// Everything, and that it was the last.
  void WriteLast(const Call& call, std::string_view text);

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  explicit Connection(int fd) : fd_(fd) {}
  template <typename Step>
  int Repeat(const Call& call, short what, const Step& step);

  const int fd_;
  std::shared_ptr<const TlsIdentity> identity_;
  std::unique_ptr<ssl_st, Free> session_;  ///< null: plain
};

}  // namespace etcdrestore
