#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "operator/adapters/metrics/http_question.h"
#include "operator/adapters/metrics/tls_identity.h"
#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Asked for each new client, in the server's thread: what to show it. Never null.
using IdentitySource = std::function<std::shared_ptr<const TlsIdentity>()>;

struct HttpServerOptions {
  std::string address;      ///< "host:port", ":port" for all addresses, port 0 for a free one
  IdentitySource tls = {};  ///< empty: plain http
  Duration patience = std::chrono::seconds(5);
};

/// Answers GET requests, one after the other, in a thread of its own: for probes and scrapes on the
/// pod's network. No body, no keep-alive. A client that needs longer than the patience to shake
/// hands and ask, or to take the answer, is cut: the next one waits no longer than that.
class HttpServer {
 public:
  /// Called in the server's thread; the call is stopped when the server ends.
  using Handler = std::function<HttpAnswer(const Call& call, const HttpQuestion& question)>;
  /// Error AddressInUse (terminal).
  static Result<std::unique_ptr<HttpServer>> Open(const HttpServerOptions& options,
                                                  Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  HttpServer(int fd, int port, const HttpServerOptions& options, Handler handler);
  void Loop(const Call& call);
  void Serve(const Call& call, int fd) const;

  const int fd_;
  const int port_;
  const IdentitySource tls_;
  const Duration patience_;
  const Handler handler_;
  std::jthread thread_;
};

}  // namespace etcdrestore
