#include <future>

#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(SshLostConnection, UnderACommandIsAnErrorAndNeverAnExitCode) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Command command = Sh("echo started; cat");
  command.input = [&](std::span<char> into) -> Result<std::size_t> {
    std::fill(into.begin(), into.end(), 'x');
    return into.size();
  };
  std::size_t size = 0;
  command.output = [&](std::string_view part) -> Status {
    if (size == 0) sshd.Cut();
    size += part.size();
    return {};
  };
  auto result = node->Run(ACall(), command);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(ReasonOf(result), AllOf(StartsWith("ConnectionLost: "), HasSubstr("node n1"),
                                      HasSubstr("may have run or not")));
}

TEST(SshLostConnection, ACommandIsNeverSentTwice) {
  TestSshd sshd;
  auto node = Connected(sshd);
  const std::string file = (sshd.dir() / "runs").string();
  Command command = Sh("echo run >> " + file + "; echo started; cat");
  command.input = [](std::span<char> into) -> Result<std::size_t> { return into.size(); };
  command.output = [&](std::string_view) -> Status {
    sshd.Cut();
    return {};
  };
  EXPECT_THAT(ReasonOf(node->Run(ACall(), command)), StartsWith("ConnectionLost: "));
  EXPECT_EQ(ReadText(file), "run\n");
  EXPECT_EQ(sshd.connections(), 1);
}

TEST(SshLostConnection, BetweenCommandsIsMendedUnseen) {
  TestSshd sshd;
  auto node = Connected(sshd);
  for (int lost = 1; lost <= 3; ++lost) {
    SCOPED_TRACE(lost);
    sshd.Cut();
    auto result = node->Run(ACall(), Sh("echo back"));
    ASSERT_TRUE(result) << ReasonOf(result);
    EXPECT_EQ(result->out, "back\n");
    EXPECT_EQ(sshd.connections(), lost + 1);
  }
}

TEST(SshLostConnection, IsMendedOnceForAllThreads) {
  TestSshd sshd;
  auto node = Connected(sshd);
  sshd.Cut();
  std::vector<std::string> seen(6);
  {
    std::vector<std::jthread> threads;
    for (std::string& one : seen) {
      threads.emplace_back([&] {
        auto result = node->Run(ACall(), Sh("echo back"));
        one = result ? result->out : ReasonOf(result);
      });
    }
  }
  EXPECT_THAT(seen, ::testing::Each("back\n"));
  EXPECT_EQ(sshd.connections(), 2);
}

TEST(SshLostConnection, AFrozenServerIsLeftForANewConnection) {
  TestSshd sshd;
  SshConnector connector(
      {.known_hosts = sshd.KnownHosts(), .timeouts = {.channel = std::chrono::milliseconds(300)}});
  auto node = connector.Connect(ACall(), sshd.Node());
  ASSERT_TRUE(node) << ReasonOf(node);
  sshd.Freeze();
  auto result = (*node)->Run(ACall(), Sh("echo back"));
  sshd.Thaw();
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "back\n");
  EXPECT_EQ(sshd.connections(), 2);
}

TEST(SshLostConnection, UnansweredKeepalivesEndARunningCommand) {
  TestSshd sshd;
  SshConnector connector({.known_hosts = sshd.KnownHosts(),
                          .timeouts = {.keepalive = std::chrono::milliseconds(1),
                                       .dead_after = std::chrono::milliseconds(500)}});
  auto node = connector.Connect(ACall(), sshd.Node());
  ASSERT_TRUE(node) << ReasonOf(node);
  Command command = Sh("echo started; exec sleep 20");
  command.output = [&](std::string_view) -> Status {
    sshd.Freeze();
    return {};
  };
  const auto start = std::chrono::steady_clock::now();
  auto result = (*node)->Run(ACall(), command);
  EXPECT_LT(SecondsSince(start), 10);
  sshd.Thaw();
  EXPECT_THAT(ReasonOf(result), AllOf(StartsWith("ConnectionLost: "), HasSubstr("keepalive")));
}

TEST(SshLostConnection, AnsweredKeepalivesKeepAQuietCommandAlive) {
  TestSshd sshd;
  SshConnector connector({.known_hosts = sshd.KnownHosts(),
                          .timeouts = {.keepalive = std::chrono::milliseconds(1),
                                       .dead_after = std::chrono::milliseconds(500)}});
  auto node = connector.Connect(ACall(), sshd.Node());
  ASSERT_TRUE(node) << ReasonOf(node);
  auto result = (*node)->Run(ACall(), Sh("sleep 5; echo done"));
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "done\n");
}

}  // namespace
}  // namespace etcdrestore::testing
