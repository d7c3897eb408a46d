#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/test_certificates.h"

namespace etcdrestore::testing {

struct TestRequest {
  std::string method;
  std::string target;                          ///< path and query as sent
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  int connection = 0;  ///< number of the connection it came on, from 1
};

/// What a scripted server does with one request. Content-Length is added unless `length` says
/// otherwise.
struct TestReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// Sends only that many bytes of the body, then closes the connection.
  std::optional<std::size_t> cut_after = {};
  /// Content-Length to claim; -1: none, the body ends when the connection closes.
  std::optional<std::int64_t> length = {};
  /// Says nothing at all and holds the connection until the client or the test gives up.
  bool never = false;
  /// Sends this instead of everything above, then closes.
  std::string raw = {};
  /// Sends everything itself, in pieces as it likes, then closes; `send` is false when the client
  /// is gone.
  std::function<void(const std::function<bool(std::string_view)>& send)> stream = {};
};

/// A real HTTP/1.1 server on loopback, one thread a connection, with keep-alive. The handler is
/// called from those threads, one call at a time. The destructor ends all connections.
class HttpTestServer {
 public:
  using Handler = std::function<TestReply(const TestRequest&)>;
  struct Tls {
    CertificateAndKey server;
    std::string client_ca;  ///< asks for a client certificate signed by it; "" for none
  };

  explicit HttpTestServer(Handler handler, std::optional<Tls> tls = std::nullopt);
  ~HttpTestServer();
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;

  [[nodiscard]] int port() const;
  /// "http://127.0.0.1:PORT" + path
  [[nodiscard]] std::string Url(const std::string& path = "") const;
  /// All requests so far, in order of arrival.
  [[nodiscard]] std::vector<TestRequest> requests() const;
  /// Blocks until that many requests have come.
  void WaitForRequests(std::size_t count) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A handler that serves `body` with ETag and honours "Range: bytes=N-" and "bytes=N-M".
TestReply ServeRange(const TestRequest& request, const std::string& body,
                     const std::string& etag = "\"tag\"");

}  // namespace etcdrestore::testing
