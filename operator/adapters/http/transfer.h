#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operator/adapters/http/http_client.h"

namespace etcdrestore {

/// One transfer under way: what libcurl's callbacks read and write. Lives on the stack of
/// HttpClient::Send and must outlive the perform. `easy` is the libcurl handle (a CURL*).
class Transfer {
 public:
  Transfer(const Call& call, const HttpRequest& request, void* easy)
      : call_(call), request_(request), easy_(easy) {}

  /// Sets method, body, times, TLS and callbacks on the handle; the caller sets URL and headers.
  void Configure(const HttpOptions& options, const std::string& ca);

  // For the callbacks. False ends the transfer.
  bool AddHeader(std::string_view line);
  bool AddBody(std::string_view bytes);
  bool Upload(std::span<char> into, std::size_t& count);
  [[nodiscard]] bool Stopped();

  HttpResponse& response() { return response_; }
  /// An error of ours (sink, on_headers, upload, too long), not libcurl's.
  [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }

 private:
  [[nodiscard]] bool Ok() const { return response_.status >= 200 && response_.status < 300; }
  bool FinishHeaders();
  void SetMethod();
  void SetTimes(const HttpOptions& options);
  void SetTls(const TlsOptions& tls, const std::string& ca);
  void SetCallbacks();

  const Call& call_;
  const HttpRequest& request_;
  void* easy_;
  HttpResponse response_;
  std::optional<Error> failed_;
  bool headers_seen_ = false;
};

}  // namespace etcdrestore
