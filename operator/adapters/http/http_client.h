#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"
#include "operator/ports/node.h"

namespace etcdrestore {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Whom to trust and as whom to appear. Given CAs replace the machine's own, they do not add to it.
struct TlsOptions {
  std::string ca_pem = {};           ///< certificates as text; wins over ca_file
  std::string ca_file = {};          ///< read anew at every request, so a rotated file is seen
  std::string client_cert_pem = {};  ///< with its chain; "" for none
  Secret client_key_pem = {};
};

struct HttpOptions {
  TlsOptions tls = {};
  std::string user_agent = "etcdrestore";
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  /// A transfer that moves no byte for this long is given up, whole seconds; 0: never.
  std::chrono::seconds idle_timeout = std::chrono::seconds(30);
  std::size_t max_idle_connections = 4;
  /// Talk to this "address:port" whatever the URL's host says (that host stays the TLS server
  /// name); "" for the host itself.
  std::string connect_to = {};
  /// Through this proxy (http, https, socks5), whatever the environment says; "" for what it says.
  std::string proxy = {};
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< names in lower case, in order of arrival
  std::string body;     ///< empty when it went to the request's sink

  /// First header of that lower-case name; nullopt when absent.
  [[nodiscard]] std::optional<std::string> Header(std::string_view name) const;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};
  HttpHeaders headers = {};
  std::string body = {};
  /// Streamed instead of `body`; `upload_size` unknown means chunked.
  ByteSource upload = {};
  std::optional<std::uint64_t> upload_size = {};
  /// Called once, after the last header and before the first byte of the body; an error ends the
  /// transfer with that error.
  std::function<Status(const HttpResponse&)> on_headers = {};
  /// Takes the body of a 2xx answer as it arrives; the bodies of other answers stay in `body`.
  ByteSink sink = {};
  /// Most bytes kept in `body`. More is error BodyTooLarge for a 2xx answer; the end of a longer
  /// error page is dropped.
  std::size_t max_body = 4U << 20U;
  int max_redirects = 0;                                  ///< 0: a 3xx is an answer like any other
  std::optional<std::chrono::seconds> idle_timeout = {};  ///< instead of the client's
  /// Asked about once a second; an error ends the transfer with that error.
  std::function<Status()> alive = {};
};

/// HTTP/1.1 over libcurl with kept-alive connections. Thread safe; one transfer per thread at a
/// time, as many as there are threads. Loopback is never reached through a proxy; http_proxy,
/// https_proxy and no_proxy of the environment are honoured otherwise.
///
/// A request that finds its kept-alive connection dead before the first byte of the answer is sent
/// again by libcurl, POST included: the server may see a request without an upload twice.
///
/// Stop and deadline are not noticed while sink, upload or on_headers is at work: those look for
/// themselves. They must not use this thread's own transfer, other transfers are fine.
///
/// Any HTTP status is a value. Errors: Unavailable (name not found, refused), Timeout,
/// ConnectionLost (transient), Interrupted, DeadlineExceeded (transient, within one second),
/// BadCertificate, BadRequest, BodyTooLarge (terminal), and whatever sink, upload or on_headers
/// returned. Messages name the URL without its query and never a header.
class HttpClient {
 public:
  /// Error BadCertificate when a CA, certificate or key cannot be read.
  static Result<std::unique_ptr<HttpClient>> Open(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpResponse> Send(const Call& call, const HttpRequest& request);

 private:
  class Pool;
  explicit HttpClient(HttpOptions options);
  const HttpOptions options_;
  const std::string no_proxy_;
  std::unique_ptr<Pool> pool_;
};

/// Of the libcurl that runs: "8.14.1".
std::string LibcurlVersion();

}  // namespace etcdrestore
