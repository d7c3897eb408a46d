#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A loopback port with nobody, or with somebody who says `greeting` and nothing else.
class DumbServer {
 public:
  explicit DumbServer(bool listening) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (listening) listen(fd_, 8);
  }
  ~DumbServer() {
    shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }
  DumbServer(const DumbServer&) = delete;
  DumbServer& operator=(const DumbServer&) = delete;
  void GreetAndHangUp(const std::string& greeting) {
    thread_ = std::thread([this, greeting] {
      int peer = -1;
      while ((peer = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0) {
        [[maybe_unused]] const ssize_t sent =
            send(peer, greeting.data(), greeting.size(), MSG_NOSIGNAL);
        close(peer);
      }
    });
  }
  [[nodiscard]] NodeEndpoint Node() const {
    NodeEndpoint node;
    node.name = "n1";
    node.address = "127.0.0.1";
    node.port = port_;
    node.user = "core";
    return node;
  }

 private:
  int fd_;
  int port_ = 0;
  std::thread thread_;
};

TEST(SshConnect, SaysThatNobodyListens) {
  const DumbServer nobody(false);
  auto node = AConnector("").Connect(ACall(), nobody.Node());
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(ReasonOf(node), StartsWith("Unreachable: node n1: connect to 127.0.0.1 port"));
  EXPECT_THAT(ReasonOf(node), HasSubstr("no SSH server listens there"));
}

TEST(SshConnect, SaysThatANameIsUnknown) {
  NodeEndpoint node = DumbServer(false).Node();
  node.address = "no-such-node.invalid";
  auto connected = AConnector("").Connect(ACall(), node);
  EXPECT_THAT(ReasonOf(connected), StartsWith("Unreachable: "));
  EXPECT_THAT(ReasonOf(connected), HasSubstr("no-such-node.invalid cannot be resolved"));
}

TEST(SshConnect, GivesUpOnAServerThatSaysNothing) {
  const DumbServer silent(true);
  SshConnector connector({.timeouts = {.handshake = std::chrono::milliseconds(300)}});
  const auto start = std::chrono::steady_clock::now();
  auto node = connector.Connect(ACall(), silent.Node());
  EXPECT_THAT(ReasonOf(node), StartsWith("Unreachable: node n1 (core@127.0.0.1:"));
  EXPECT_THAT(ReasonOf(node), HasSubstr("did not finish the SSH handshake in time"));
  EXPECT_LT(SecondsSince(start), 5);
}

TEST(SshConnect, KeepsTheCallsOwnDeadlineApartFromASlowServer) {
  const DumbServer silent(true);
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  EXPECT_THAT(ReasonOf(AConnector("").Connect(call, silent.Node())),
              StartsWith("DeadlineExceeded: "));
}

TEST(SshConnect, StopsWithinASecond) {
  const DumbServer silent(true);
  std::stop_source source;
  Call call = ACall();
  call.stop = source.get_token();
  std::optional<Result<std::unique_ptr<Node>>> result;
  std::thread waiting([&] { result = AConnector("").Connect(call, silent.Node()); });
  const auto start = std::chrono::steady_clock::now();
  source.request_stop();
  waiting.join();
  EXPECT_LT(SecondsSince(start), 1);
  EXPECT_THAT(ReasonOf(*result), StartsWith("Interrupted: "));
}

TEST(SshConnect, TellsAServerOfAnotherKindOrAnOverloadedOne) {
  for (const std::string greeting : {"", "Exceeded MaxStartups\r\n", "HTTP/1.1 400 Bad\r\n\r\n"}) {
    SCOPED_TRACE(greeting);
    DumbServer other(true);
    other.GreetAndHangUp(greeting);
    auto node = AConnector("").Connect(ACall(), other.Node());
    EXPECT_THAT(ReasonOf(node), StartsWith("Unreachable: node n1"));
    EXPECT_THAT(ReasonOf(node), HasSubstr("SSH greeting. Either something else"));
  }
}

TEST(SshConnect, ManyNodesAtOnceConnectSideBySide) {
  TestSshd sshd;
  const NodeEndpoint endpoint = sshd.Node();
  SshConnector connector({.known_hosts = sshd.KnownHosts()});
  std::vector<std::string> reasons(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& reason : reasons) {
      threads.emplace_back([&] { reason = ReasonOf(connector.Connect(ACall(), endpoint)); });
    }
  }
  EXPECT_THAT(reasons, ::testing::Each("no error"));
  EXPECT_EQ(sshd.connections(), 8);
}

}  // namespace
}  // namespace etcdrestore::testing
