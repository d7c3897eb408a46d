#include "operator/adapters/metrics/http_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace etcdrestore {
namespace {

constexpr int kSliceMs = 200;
constexpr int kPatienceMs = 5000;
constexpr std::size_t kMaxHead = 16U << 10U;

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

bool Ready(int fd, short what, int patience_ms) {
  pollfd one{fd, what, 0};
  return poll(&one, 1, patience_ms) > 0;
}

std::string ReadHead(int connection) {
  std::string head;
  std::array<char, 4096> buffer{};
  while (head.size() < kMaxHead && head.find("\r\n\r\n") == std::string::npos) {
    if (!Ready(connection, POLLIN, kPatienceMs)) return "";
    const ssize_t count = recv(connection, buffer.data(), buffer.size(), 0);
    if (count <= 0) return "";
    head.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return head;
}

void SendAll(int connection, std::string_view text) {
  while (!text.empty() && Ready(connection, POLLOUT, kPatienceMs)) {
    const ssize_t count = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Open(const std::string& address, Handler handler) {
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
  return std::unique_ptr<HttpServer>(new HttpServer(fd, PortOf(fd), std::move(handler)));
}

HttpServer::HttpServer(int fd, int port, Handler handler)
    : fd_(fd),
      port_(port),
      handler_(std::move(handler)),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

HttpServer::~HttpServer() {
  thread_.request_stop();
  thread_.join();
  close(fd_);
}

void HttpServer::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!Ready(fd_, POLLIN, kSliceMs)) continue;
    const int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    Serve(connection);
    close(connection);
  }
}

void HttpServer::Serve(int connection) const {
  const std::string head = ReadHead(connection);
  if (head.empty()) return;
  const std::string line = head.substr(0, head.find("\r\n"));
  const std::size_t start = line.find(' ');
  const std::size_t end = line.rfind(' ');
  HttpAnswer answer;
  if (!line.starts_with("GET ") || end <= start) {
    answer = {405, "text/plain", "only GET\n"};
  } else {
    const std::string target = line.substr(start + 1, end - start - 1);
    const std::size_t question = std::min(target.find('?'), target.size());
    answer =
        handler_(target.substr(0, question), target.substr(std::min(question + 1, target.size())));
  }
  SendAll(connection,
          "HTTP/1.1 " + std::to_string(answer.status) + (answer.status == 200 ? " OK" : " Error") +
              "\r\nContent-Type: " + answer.content_type + "\r\nContent-Length: " +
              std::to_string(answer.body.size()) + "\r\nConnection: close\r\n\r\n" + answer.body);
}

}  // namespace etcdrestore
