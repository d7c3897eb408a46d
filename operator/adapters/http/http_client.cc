#include "operator/adapters/http/http_client.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <pthread.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>

#include "operator/adapters/http/curl_error.h"
#include "operator/adapters/http/transfer.h"
#include "operator/adapters/http/url.h"

namespace etcdrestore {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyPtr = std::unique_ptr<CURL, FreeEasy>;
using ListPtr = std::unique_ptr<curl_slist, FreeList>;

/// A write to a closed TLS connection raises SIGPIPE, which libcurl handles only when it may touch
/// signal handlers; with threads it may not. Blocked for this thread, and taken back if raised.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec now{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

void Append(ListPtr& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) std::abort();
  (void)list.release();
  list.reset(longer);
}

/// libcurl does not take loopback out by itself, and asking a proxy for it is never meant.
std::string NoProxyList() {
  const char* lower = std::getenv("no_proxy");
  const char* given = lower != nullptr ? lower : std::getenv("NO_PROXY");
  const std::string list = given != nullptr ? given : "";
  return list == "*" ? list : list + (list.empty() ? "" : ",") + "localhost,127.0.0.1,::1";
}

ListPtr HeaderList(const HttpRequest& request) {
  ListPtr list;
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    // libcurl spells a header without a value with a semicolon; a colon would remove it.
    Append(list, value.empty() ? name + ";" : name + ": " + value);
    typed = typed || curl_strequal(name.c_str(), "content-type") != 0;
  }
  // What libcurl would add unasked: a form's type, and a second's wait for "100 Continue".
  if (!typed) Append(list, "Content-Type:");
  Append(list, "Expect:");
  return list;
}

bool SafeHeaders(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return false;
  }
  return true;
}

Result<std::string> CaText(const TlsOptions& tls) {
  if (!tls.ca_pem.empty() || tls.ca_file.empty()) return tls.ca_pem;
  std::ifstream file(tls.ca_file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.empty()) {
    return Terminal("BadCertificate", "the CA file " + tls.ca_file + " cannot be read or is empty");
  }
  return text;
}

bool HoldsCertificate(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  return certificate != nullptr;
}

Error FailureOf(CURL* easy, CURLcode code, const char* words, const std::string& url,
                std::chrono::seconds idle, const HttpOptions& options) {
  CurlFailure failure;
  failure.code = code;
  failure.detail = *words != '\0' ? words : curl_easy_strerror(code);
  failure.url = RedactUrl(url);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &failure.os_errno);
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &failure.verify_result);
  curl_off_t ready = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  failure.connected = ready > 0;
  failure.given_ca = !options.tls.ca_pem.empty() || !options.tls.ca_file.empty();
  failure.connect_limit = HumanDuration(options.connect_timeout);
  failure.idle_limit = HumanDuration(idle);
  return ClassifyCurl(failure);
}

}  // namespace

std::optional<std::string> HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

/// Idle easy handles; each keeps its own connections alive.
class HttpClient::Pool {
 public:
  explicit Pool(std::size_t limit) : limit_(limit) {}

  EasyPtr Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return EasyPtr(curl_easy_init());
    EasyPtr easy = std::move(idle_.back());
    idle_.pop_back();
    return easy;
  }
  void Put(EasyPtr easy) {
    curl_easy_reset(easy.get());
    const std::lock_guard lock(mutex_);
    if (idle_.size() < limit_) idle_.push_back(std::move(easy));
  }

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::vector<EasyPtr> idle_;
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)),
      no_proxy_(NoProxyList()),
      pool_(std::make_unique<Pool>(options_.max_idle_connections)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::Open(HttpOptions options) {
  // Thread safe and counted since libcurl 7.84; never undone, as other clients may live.
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) std::abort();
  Result<std::string> ca = CaText(options.tls);
  if (!ca) return ca.error();
  if (!ca->empty() && !HoldsCertificate(*ca)) {
    return Terminal("BadCertificate",
                    "the given `ca` holds no readable certificate; it must be PEM text that starts "
                    "with -----BEGIN CERTIFICATE-----");
  }
  if (!options.tls.client_cert_pem.empty() && !HoldsCertificate(options.tls.client_cert_pem))
    return Terminal("BadCertificate", "the client certificate is not PEM text");
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(options)));
}

std::string LibcurlVersion() { return curl_version_info(CURLVERSION_NOW)->version; }

Result<HttpResponse> HttpClient::Send(const Call& call, const HttpRequest& request) {
  const std::string shown = request.method + " " + RedactUrl(request.url);
  if (auto over = call.Over()) return over->In(shown);
  if (Result<Url> url = ParseUrl(request.url); !url) return url.error();
  if (!SafeHeaders(request))
    return Terminal("BadRequest", shown + ": a header contains a line break");
  Result<std::string> ca = CaText(options_.tls);
  if (!ca) return ca.error();

  const WithoutSigpipe quiet;
  EasyPtr easy = pool_->Take();
  if (!easy) std::abort();
  Transfer transfer(call, request, easy.get());
  transfer.Configure(options_, *ca);
  ListPtr headers = HeaderList(request);
  ListPtr connect_to;
  if (!options_.connect_to.empty()) Append(connect_to, "::" + options_.connect_to);
  std::array<char, CURL_ERROR_SIZE> words{};
  curl_easy_setopt(easy.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_CONNECT_TO, connect_to.get());
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, options_.proxy.empty() ? no_proxy_.c_str() : "");
  curl_easy_setopt(easy.get(), CURLOPT_PROXY,
                   options_.proxy.empty() ? nullptr : options_.proxy.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words.data());

  const CURLcode code = curl_easy_perform(easy.get());
  if (transfer.failed()) return *transfer.failed();
  if (code == CURLE_OK) {
    // Only a handle whose transfer ended well is used again.
    pool_->Put(std::move(easy));
    return std::move(transfer.response());
  }
  if (auto over = call.Over()) return over->In(shown);
  return FailureOf(easy.get(), code, words.data(), request.url,
                   request.idle_timeout.value_or(options_.idle_timeout), options_);
}

}  // namespace etcdrestore
