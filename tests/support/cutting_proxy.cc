#include "tests/support/cutting_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

bool SendAll(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
    if (count <= 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

/// One read and write; false when the pair is over. `budget` shrinks by what was passed on.
bool Pass(int from, int to, std::size_t& budget) {
  std::array<char, 65536> buffer{};
  const ssize_t count = recv(from, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  const std::size_t allowed = std::min(static_cast<std::size_t>(count), budget);
  budget -= allowed;
  return SendAll(to, buffer.data(), allowed) && budget > 0;
}

void Relay(int client, int server, int stop, std::size_t budget) {
  std::size_t endless = std::numeric_limits<std::size_t>::max();
  std::array<pollfd, 3> waits = {{{client, POLLIN, 0}, {server, POLLIN, 0}, {stop, POLLIN, 0}}};
  while (poll(waits.data(), waits.size(), -1) > 0 && waits[2].revents == 0) {
    if (waits[0].revents != 0 && !Pass(client, server, endless)) break;
    if (waits[1].revents != 0 && !Pass(server, client, budget)) break;
  }
  close(client);
  if (server >= 0) close(server);
}

}  // namespace

struct CuttingProxy::State {
  int target = 0;
  std::vector<std::size_t> cuts;
  Listener listener = ListenOnLoopback();
  int stop = eventfd(0, EFD_CLOEXEC);
  std::atomic<int> accepted = 0;
  std::vector<std::jthread> relays;
  std::jthread acceptor;

  void Accept() {
    while (true) {
      const int client = accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      const auto number = static_cast<std::size_t>(accepted++);
      const std::size_t budget =
          number < cuts.size() ? cuts[number] : std::numeric_limits<std::size_t>::max();
      relays.emplace_back(
          [this, client, budget] { Relay(client, ConnectToLoopback(target), stop, budget); });
    }
  }
};

CuttingProxy::CuttingProxy(int target_port, std::vector<std::size_t> cuts)
    : state_(std::make_unique<State>()) {
  state_->target = target_port;
  state_->cuts = std::move(cuts);
  state_->acceptor = std::jthread([state = state_.get()] { state->Accept(); });
}

CuttingProxy::~CuttingProxy() {
  shutdown(state_->listener.fd, SHUT_RDWR);
  state_->acceptor.join();
  const std::uint64_t one = 1;
  if (write(state_->stop, &one, sizeof one) < 0) std::abort();
  state_->relays.clear();
  close(state_->listener.fd);
  close(state_->stop);
}

int CuttingProxy::port() const { return state_->listener.port; }
int CuttingProxy::connections() const { return state_->accepted; }

}  // namespace etcdrestore::testing
