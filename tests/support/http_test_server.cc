#include "tests/support/http_test_server.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

ContextPtr MakeContext(const HttpTestServer::Tls& tls) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  const auto bio = [](const std::string& pem) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  };
  X509* certificate =
      PEM_read_bio_X509(bio(tls.server.certificate).get(), nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio(tls.server.key).get(), nullptr, nullptr, nullptr);
  if (SSL_CTX_use_certificate(context.get(), certificate) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key) != 1) {
    std::abort();
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (tls.client_ca.empty()) return context;
  X509* ca = PEM_read_bio_X509(bio(tls.client_ca).get(), nullptr, nullptr, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca);
  X509_free(ca);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

/// Bytes over a socket, with or without TLS.
class Wire {
 public:
  Wire(int fd, SSL_CTX* context)
      : fd_(fd), ssl_(context != nullptr ? SSL_new(context) : nullptr, &SSL_free) {
    if (ssl_) SSL_set_fd(ssl_.get(), fd);
  }
  bool Handshake() { return !ssl_ || SSL_accept(ssl_.get()) == 1; }
  /// Appends what has come; false at the end.
  bool Read(std::string& into) {
    std::array<char, 16384> buffer{};
    const long count = ssl_ ? SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))
                            : recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    into.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }
  bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const int most = static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 20U));
      const long count =
          ssl_ ? SSL_write(ssl_.get(), bytes.data(), most)
               : send(fd_, bytes.data(), static_cast<std::size_t>(most), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  int fd_;
  SslPtr ssl_;
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

TestRequest ParseHead(const std::string& head) {
  TestRequest request;
  const std::size_t line_end = head.find("\r\n");
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  for (std::size_t at = line_end + 2; at < head.size();) {
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      request.headers[Lower(line.substr(0, colon))] =
          value == std::string::npos ? "" : line.substr(value);
    }
    at = end + 2;
  }
  return request;
}

/// Takes one whole chunked body off `data`; reads on as needed.
bool ReadChunked(Wire& wire, std::string& data, std::string& body) {
  while (true) {
    std::size_t line = 0;
    while ((line = data.find("\r\n")) == std::string::npos) {
      if (!wire.Read(data)) return false;
    }
    const std::size_t size = std::stoul(data.substr(0, line), nullptr, 16);
    while (data.size() < line + 2 + size + 2) {
      if (!wire.Read(data)) return false;
    }
    body += data.substr(line + 2, size);
    data.erase(0, line + 2 + size + 2);
    if (size == 0) return true;
  }
}

bool ReadRequest(Wire& wire, std::string& data, TestRequest& request) {
  std::size_t end = 0;
  while ((end = data.find("\r\n\r\n")) == std::string::npos) {
    if (!wire.Read(data)) return false;
  }
  request = ParseHead(data.substr(0, end));
  data.erase(0, end + 4);
  if (request.headers["transfer-encoding"] == "chunked")
    return ReadChunked(wire, data, request.body);
  const std::string& length = request.headers["content-length"];
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  while (data.size() < size) {
    if (!wire.Read(data)) return false;
  }
  request.body = data.substr(0, size);
  data.erase(0, size);
  return true;
}

/// False when the connection is to be closed.
bool SendReply(Wire& wire, const TestReply& reply, bool without_body) {
  if (reply.never) {
    std::string ignored;
    while (wire.Read(ignored)) ignored.clear();
    return false;
  }
  if (reply.stream) {
    reply.stream([&wire](std::string_view bytes) { return wire.Write(bytes); });
    return false;
  }
  if (!reply.raw.empty()) return wire.Write(reply.raw), false;
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  const std::int64_t length = reply.length.value_or(static_cast<std::int64_t>(reply.body.size()));
  head +=
      length < 0 ? "Connection: close\r\n" : "Content-Length: " + std::to_string(length) + "\r\n";
  const std::string_view body =
      std::string_view(reply.body).substr(0, reply.cut_after.value_or(reply.body.size()));
  if (!wire.Write(head + "\r\n")) return false;
  if (!without_body && !wire.Write(body)) return false;
  return length >= 0 && !reply.cut_after;
}

}  // namespace

struct HttpTestServer::State {
  Handler handler;
  ContextPtr context{nullptr, &SSL_CTX_free};
  Listener listener = ListenOnLoopback();
  mutable std::mutex mutex;
  mutable std::condition_variable came;
  std::vector<TestRequest> requests;
  std::set<int> open;
  bool stopping = false;
  std::vector<std::jthread> connections;
  std::jthread acceptor;

  void Accept() {
    for (int number = 1;; ++number) {
      const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex);
      if (stopping) {
        close(fd);
        return;
      }
      open.insert(fd);
      connections.emplace_back([this, fd, number] { Serve(fd, number); });
    }
  }

  void Serve(int fd, int number) {
    Wire wire(fd, context.get());
    std::string data;
    TestRequest request;
    bool go_on = wire.Handshake();
    while (go_on && ReadRequest(wire, data, request)) {
      request.connection = number;
      TestReply reply;
      {
        const std::lock_guard lock(mutex);
        requests.push_back(request);
        came.notify_all();
        reply = handler(request);
      }
      go_on = SendReply(wire, reply, request.method == "HEAD");
    }
    const std::lock_guard lock(mutex);
    open.erase(fd);
    close(fd);
  }
};

HttpTestServer::HttpTestServer(Handler handler, std::optional<Tls> tls)
    : state_(std::make_unique<State>()) {
  // OpenSSL writes without MSG_NOSIGNAL.
  if (tls) std::signal(SIGPIPE, SIG_IGN);
  state_->handler = std::move(handler);
  if (tls) state_->context = MakeContext(*tls);
  state_->acceptor = std::jthread([state = state_.get()] { state->Accept(); });
}

HttpTestServer::~HttpTestServer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (const int fd : state_->open) shutdown(fd, SHUT_RDWR);
    shutdown(state_->listener.fd, SHUT_RDWR);
  }
  state_->acceptor.join();
  state_->connections.clear();
  close(state_->listener.fd);
}

int HttpTestServer::port() const { return state_->listener.port; }

std::string HttpTestServer::Url(const std::string& path) const {
  return (state_->context ? "https" : "http") + ("://127.0.0.1:" + std::to_string(port())) + path;
}

std::vector<TestRequest> HttpTestServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

void HttpTestServer::WaitForRequests(std::size_t count) const {
  std::unique_lock lock(state_->mutex);
  state_->came.wait(lock, [&] { return state_->requests.size() >= count; });
}

TestReply ServeRange(const TestRequest& request, const std::string& body, const std::string& etag) {
  TestReply reply;
  reply.headers = {{"ETag", etag}, {"Last-Modified", "Sun, 22 Nov 2026 03:00:00 GMT"}};
  const auto condition = request.headers.find("if-match");
  if (condition != request.headers.end() && condition->second != etag) return {.status = 412};
  const auto range = request.headers.find("range");
  if (range == request.headers.end()) {
    reply.body = body;
    return reply;
  }
  const std::string text = range->second.substr(6);
  const std::string total = std::to_string(body.size());
  const std::size_t first = std::stoul(text);
  if (first >= body.size())
    return {.status = 416, .headers = {{"Content-Range", "bytes */" + total}}};
  const std::string last_text = text.substr(text.find('-') + 1);
  std::size_t last = body.size() - 1;
  if (!last_text.empty()) last = std::min<std::size_t>(last, std::stoul(last_text));
  reply.status = 206;
  reply.body = body.substr(first, last - first + 1);
  reply.headers.emplace_back(
      "Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + total);
  return reply;
}

}  // namespace etcdrestore::testing
