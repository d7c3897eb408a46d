#include "operator/adapters/http/transfer.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "operator/adapters/http/url.h"

namespace etcdrestore {
namespace {

/// libcurl's options are variadic and typed only by convention. None of ours can be refused, but
/// for running out of memory or a libcurl without TLS.
template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) std::abort();
}

void SetBlob(CURL* easy, CURLoption option, const std::string& text) {
  // Copied by libcurl. Its interface wants a pointer to non-const and does not write through it.
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
  Set(easy, option, &blob);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::size_t OnHeader(char* data, std::size_t, std::size_t count, void* transfer) {
  return static_cast<Transfer*>(transfer)->AddHeader({data, count}) ? count : 0;
}

std::size_t OnBody(char* data, std::size_t, std::size_t count, void* transfer) {
  return static_cast<Transfer*>(transfer)->AddBody({data, count}) ? count : CURL_WRITEFUNC_ERROR;
}

std::size_t OnUpload(char* into, std::size_t size, std::size_t count, void* transfer) {
  std::size_t filled = 0;
  const bool fine = static_cast<Transfer*>(transfer)->Upload({into, size * count}, filled);
  return fine ? filled : CURL_READFUNC_ABORT;
}

/// Called at least once a second, also while nothing moves: here a stop is noticed.
int OnProgress(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(transfer)->Stopped() ? 1 : 0;
}

/// A peer that vanished without a word is noticed even while we only send.
int OnSocket(void*, curl_socket_t socket, curlsocktype) {
  const unsigned limit_ms = 30'000;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
  return CURL_SOCKOPT_OK;
}

}  // namespace

bool Transfer::FinishHeaders() {
  const bool interim = response_.status < 200;
  const bool redirected = request_.max_redirects > 0 && response_.status >= 300 &&
                          response_.status < 400 && response_.Header("location");
  if (interim || redirected || headers_seen_) return true;
  headers_seen_ = true;
  if (!request_.on_headers) return true;
  if (Status status = request_.on_headers(response_); !status) failed_ = status.error();
  return !failed_;
}

bool Transfer::AddHeader(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.substr(0, 5) == "HTTP/") {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    response_ = HttpResponse{static_cast<int>(status), {}, {}};
    return true;
  }
  if (line.empty()) return FinishHeaders();
  const std::size_t colon = line.find(':');
  // Trailers after a chunked body come this way too; they are not ours.
  if (colon == std::string_view::npos || headers_seen_) return true;
  const std::size_t start = line.find_first_not_of(" \t", colon + 1);
  const std::size_t end = line.find_last_not_of(" \t");
  const bool empty = start == std::string_view::npos;
  response_.headers.emplace_back(Lower(line.substr(0, colon)),
                                 empty ? "" : line.substr(start, end + 1 - start));
  return true;
}

bool Transfer::AddBody(std::string_view bytes) {
  if (request_.sink && Ok()) {
    if (Status status = request_.sink(bytes); !status) failed_ = status.error();
    return !failed_;
  }
  const std::size_t room = request_.max_body - std::min(request_.max_body, response_.body.size());
  if (bytes.size() > room && Ok()) {
    failed_ = Terminal("BodyTooLarge", RedactUrl(request_.url) + ": the answer is longer than " +
                                           std::to_string(request_.max_body) + " bytes");
    return false;
  }
  response_.body.append(bytes.substr(0, room));
  return true;
}

bool Transfer::Upload(std::span<char> into, std::size_t& count) {
  Result<std::size_t> got = request_.upload(into);
  if (!got) failed_ = got.error();
  count = got.value_or(0);
  return got.has_value();
}

bool Transfer::Stopped() {
  if (call_.stop.stop_requested()) return true;
  if (!request_.alive) return false;
  if (Status alive = request_.alive(); !alive) failed_ = alive.error();
  return failed_.has_value();
}

void Transfer::SetMethod() {
  if (request_.method == "GET" && request_.body.empty() && !request_.upload) return;
  if (request_.method == "HEAD") return Set(easy_, CURLOPT_NOBODY, 1L);
  Set(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.upload) {
    const auto size = request_.upload_size ? static_cast<curl_off_t>(*request_.upload_size) : -1;
    Set(easy_, CURLOPT_UPLOAD, 1L);
    Set(easy_, CURLOPT_READFUNCTION, &OnUpload);
    Set(easy_, CURLOPT_READDATA, static_cast<void*>(this));
    Set(easy_, CURLOPT_INFILESIZE_LARGE, size);
    // A source cannot be read twice, so a dead kept-alive connection must not eat its first bytes.
    Set(easy_, CURLOPT_FRESH_CONNECT, 1L);
  } else if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
    Set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    Set(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());
  }
}

void Transfer::SetTimes(const HttpOptions& options) {
  const bool endless = call_.deadline == SteadyTime::max();
  // 0 would mean no limit. What is left is rounded down: a millisecond more, or libcurl would now
  // and then end before the deadline and call it a silent server.
  const long left = endless ? 0 : static_cast<long>(call_.Left().count()) + 1;
  Set(easy_, CURLOPT_TIMEOUT_MS, left);
  Set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(easy_, CURLOPT_LOW_SPEED_LIMIT, 1L);
  Set(easy_, CURLOPT_LOW_SPEED_TIME,
      static_cast<long>(request_.idle_timeout.value_or(options.idle_timeout).count()));
  Set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  Set(easy_, CURLOPT_TCP_KEEPIDLE, 15L);
  Set(easy_, CURLOPT_TCP_KEEPINTVL, 5L);
  Set(easy_, CURLOPT_SOCKOPTFUNCTION, &OnSocket);
  Set(easy_, CURLOPT_MAXLIFETIME_CONN, 1800L);
  Set(easy_, CURLOPT_NOSIGNAL, 1L);
}

void Transfer::SetTls(const TlsOptions& tls, const std::string& ca) {
  if (!ca.empty()) {
    // The text, not the path: libcurl caches a CA file for a day by its name. The machine's own
    // folder of CAs would be trusted besides.
    SetBlob(easy_, CURLOPT_CAINFO_BLOB, ca);
    Set(easy_, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (tls.client_cert_pem.empty()) return;
  Set(easy_, CURLOPT_SSLCERTTYPE, "PEM");
  SetBlob(easy_, CURLOPT_SSLCERT_BLOB, tls.client_cert_pem);
  SetBlob(easy_, CURLOPT_SSLKEY_BLOB, tls.client_key_pem.Reveal());
}

void Transfer::SetCallbacks() {
  auto* user = static_cast<void*>(this);
  Set(easy_, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(easy_, CURLOPT_HEADERDATA, user);
  Set(easy_, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(easy_, CURLOPT_WRITEDATA, user);
  Set(easy_, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(easy_, CURLOPT_XFERINFODATA, user);
  Set(easy_, CURLOPT_NOPROGRESS, 0L);
}

void Transfer::Configure(const HttpOptions& options, const std::string& ca) {
  Set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  // Keys with /../ or // in them are names, not paths to tidy up.
  Set(easy_, CURLOPT_PATH_AS_IS, 1L);
  Set(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(easy_, CURLOPT_FOLLOWLOCATION, request_.max_redirects > 0 ? 1L : 0L);
  Set(easy_, CURLOPT_MAXREDIRS, static_cast<long>(request_.max_redirects));
  const bool tls = request_.url.starts_with("https:");
  Set(easy_, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
  SetMethod();
  SetTimes(options);
  SetTls(options.tls, ca);
  SetCallbacks();
}

}  // namespace etcdrestore
