#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "operator/base/result.h"

namespace etcdrestore {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Answers GET requests, one after the other, in a thread of its own: for probes and scrapes on the
/// pod's network. No TLS, no body, no keep-alive; a client that is slow is cut after five seconds.
class HttpServer {
 public:
  /// Called with path and query in the server's thread.
  using Handler = std::function<HttpAnswer(const std::string& path, const std::string& query)>;
  /// "host:port", ":port" for all addresses, port 0 for a free one. Error AddressInUse (terminal).
  static Result<std::unique_ptr<HttpServer>> Open(const std::string& address, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  HttpServer(int fd, int port, Handler handler);
  void Loop(const std::stop_token& stop);
  void Serve(int connection) const;

  const int fd_;
  const int port_;
  const Handler handler_;
  std::jthread thread_;
};

}  // namespace etcdrestore
