#include "operator/adapters/ssh/socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace etcdrestore::ssh {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

struct Lookup {
  std::mutex mutex;
  std::condition_variable_any done;
  bool finished = false;
  std::string problem;
  std::vector<Address> found;
};

void Resolve(const std::string& host, int port, int flags, Lookup& into) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int rc = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, [](addrinfo* all) {
    if (all != nullptr) freeaddrinfo(all);
  });
  const std::scoped_lock lock(into.mutex);
  into.finished = true;
  if (rc != 0) into.problem = gai_strerror(rc);
  for (const addrinfo* one = rc == 0 ? list : nullptr; one != nullptr; one = one->ai_next) {
    Address address;
    std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    into.found.push_back(address);
  }
  into.done.notify_all();
}

Result<std::vector<Address>> LookUp(const Call& call, const std::string& host, int port) {
  Lookup numeric;
  Resolve(host, port, AI_NUMERICHOST, numeric);
  if (!numeric.found.empty()) return numeric.found;
  // getaddrinfo cannot be interrupted: a thread of its own is left behind when the call ends first;
  // it owns all that it touches.
  const auto lookup = std::make_shared<Lookup>();
  std::thread([host, port, lookup] { Resolve(host, port, AI_ADDRCONFIG, *lookup); }).detach();
  std::unique_lock lock(lookup->mutex);
  lookup->done.wait_until(lock, call.stop, std::chrono::steady_clock::now() + call.Left(),
                          [&] { return lookup->finished; });
  if (const auto over = call.Over(); over && !lookup->finished) return over->In("look up " + host);
  if (lookup->found.empty()) {
    return Transient("Unreachable",
                     fmt::format("the name {} cannot be resolved: {}. Check the address in "
                                 "cluster.yml and the DNS of this machine",
                                 host, lookup->problem));
  }
  return lookup->found;
}

void Tune(int fd) {
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // Keeps NAT entries alive and finds dead peers while no command runs.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 6);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 45'000);
}

/// A socket, or what connect(2) said.
struct Attempt {
  UniqueFd fd;
  int problem = 0;
};

Attempt TryAddress(const Call& call, const Address& address) {
  Attempt attempt{UniqueFd(
      socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP))};
  const int fd = attempt.fd.get();
  if (fd < 0) return {UniqueFd(), errno};
  Tune(fd);
  const auto* where = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (connect(fd, where, address.size) == 0) return attempt;
  if (errno != EINPROGRESS) return {UniqueFd(), errno};
  const Waker waker;
  while (!call.Over()) {
    SleepOn(fd, POLLOUT, waker, call, call.deadline);
    pollfd ready{fd, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0) continue;
    socklen_t size = sizeof(attempt.problem);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &attempt.problem, &size);
    return attempt.problem == 0 ? std::move(attempt) : Attempt{UniqueFd(), attempt.problem};
  }
  return {UniqueFd(), ETIMEDOUT};
}

std::string Advice(int problem) {
  if (problem == ECONNREFUSED) return "The machine is up, but no SSH server listens there";
  if (problem == ETIMEDOUT) return "The machine is down, or a firewall drops the packets";
  return "Check the route to it and whether the machine is up";
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  UniqueFd old(std::move(*this));
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Waker::Wake() const {
  const std::uint64_t one = 1;
  // The counter is full only when nobody drained it: then it is readable, which is all that counts.
  [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof(one));
}

void Waker::Drain() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t drained = read(fd_.get(), &count, sizeof(count));
}

void SleepOn(int fd, short events, const Waker& waker, const Call& call, SteadyTime until) {
  const std::stop_callback wake(call.stop, [&waker] { waker.Wake(); });
  std::array<pollfd, 2> fds{{{fd, events, 0}, {waker.fd(), POLLIN, 0}}};
  Call bounded = call;
  bounded.deadline = std::min(call.deadline, until);
  // A millisecond is added because Left() rounds down, and a poll of 0 would spin.
  const auto left = std::min(bounded.Left() + std::chrono::milliseconds(1),
                             std::chrono::milliseconds(std::chrono::hours(1)));
  poll(fds.data(), fds.size(), static_cast<int>(left.count()));
  waker.Drain();
}

Result<UniqueFd> ConnectTcp(const Call& call, const std::string& host, int port,
                            std::chrono::milliseconds budget) {
  const Call bounded = call.Within(budget);
  const auto late = [&](int problem) -> Error {
    if (const auto over = call.Over()) return over->In("connect to " + host);
    return Transient("Unreachable", fmt::format("connect to {} port {}: {}. {}", host, port,
                                                std::strerror(problem), Advice(problem)));
  };
  auto addresses = LookUp(bounded, host, port);
  if (!addresses) {
    if (addresses.error().reason != "DeadlineExceeded" || call.Over()) return addresses.error();
    return Transient("Unreachable",
                     fmt::format("the name {} was not resolved within {} s. Check the DNS of this "
                                 "machine",
                                 host, std::chrono::duration<double>(budget).count()));
  }
  int problem = ETIMEDOUT;
  for (std::size_t i = 0; i < addresses->size() && !bounded.Over(); ++i) {
    // Each address gets its share of what is left, so that a silent one cannot eat the others'.
    const auto share = bounded.Left() / static_cast<int>(addresses->size() - i);
    Attempt attempt = TryAddress(bounded.Within(share), (*addresses)[i]);
    if (attempt.fd.valid()) return std::move(attempt.fd);
    problem = attempt.problem;
  }
  return late(problem);
}

}  // namespace etcdrestore::ssh
