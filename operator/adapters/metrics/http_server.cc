#include "operator/adapters/metrics/http_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "operator/adapters/metrics/connection.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kMaxHead = 16U << 10U;
constexpr auto kNoDescriptor = std::chrono::milliseconds(100);

Error CannotListen(const std::string& address, const std::string& why) {
  return Terminal("AddressInUse",
                  "listen on " + address + ": " + why + "; give another address, or 0 for none");
}

int PortOf(int fd) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return 0;
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&name)->sin6_port
                                          : reinterpret_cast<sockaddr_in*>(&name)->sin_port);
}

/// "" when it is cut off, too long or too slow.
Secret ReadHead(const Call& call, Connection& connection) {
  std::string head;
  std::array<char, 4096> buffer{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (head.size() >= kMaxHead) return {};
    const std::size_t count = connection.Read(call, buffer.data(), buffer.size());
    if (count == 0) return {};
    head.append(buffer.data(), count);
  }
  return Secret(std::move(head));
}

const char* PhraseOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 401:
      return "Unauthorized\r\nWWW-Authenticate: Bearer";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed\r\nAllow: GET";
    default:
      return "Internal Server Error";
  }
}

std::string Written(const HttpAnswer& answer) {
  return "HTTP/1.1 " + std::to_string(answer.status) + " " + PhraseOf(answer.status) +
         "\r\nContent-Type: " + answer.content_type +
         "\r\nContent-Length: " + std::to_string(answer.body.size()) +
         "\r\nConnection: close\r\n\r\n" + answer.body;
}

/// A client that went away is an error of one write, not the end of the process.
void BlockBrokenPipes() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Open(const HttpServerOptions& options,
                                                     Handler handler) {
  const std::string& address = options.address;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return CannotListen(address, "want host:port or :port");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_family = host.empty() ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                 address.substr(colon + 1).c_str(), &hints, &found);
  if (failed != 0) return CannotListen(address, gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> free(found, &freeaddrinfo);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  const int off = 0;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // All addresses means those of IPv4 too.
  if (fd >= 0 && found->ai_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 16) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    return CannotListen(address, why);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(fd, PortOf(fd), options, std::move(handler)));
}

HttpServer::HttpServer(int fd, int port, const HttpServerOptions& options, Handler handler)
    : fd_(fd),
      port_(port),
      tls_(options.tls),
      patience_(options.patience),
      handler_(std::move(handler)),
      thread_([this](const std::stop_token& stop) {
        Call call;
        call.stop = stop;
        Loop(call);
      }) {}

HttpServer::~HttpServer() {
  thread_.request_stop();
  thread_.join();
  close(fd_);
}

void HttpServer::Loop(const Call& call) {
  BlockBrokenPipes();
  while (!call.Over()) {
    if (!Readable(call, fd_)) continue;
    const int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0)
      Serve(call, connection);
    else  // The socket stays readable while there are no descriptors.
      WaitOrStop(call, kNoDescriptor);
  }
}

void HttpServer::Serve(const Call& call, int fd) const {
  const Call asking = call.Within(patience_);
  const auto connection = Connection::Open(asking, fd, tls_ ? tls_() : nullptr);
  if (!connection) return;
  const Secret head = ReadHead(asking, *connection);
  if (head.empty()) return;
  const auto question = ParseQuestion(head.Reveal());
  const HttpAnswer answer =
      question ? handler_(call, *question) : HttpAnswer{405, "text/plain", "only GET\n"};
  connection->WriteLast(call.Within(patience_), Written(answer));
}

}  // namespace etcdrestore
