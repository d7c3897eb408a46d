#include <algorithm>

#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(SshCommand, GivesBothOutputsAndTheExitCode) {
  TestSshd sshd;
  auto node = Connected(sshd);
  auto result = node->Run(ACall(), Sh("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_FALSE(result->truncated);
}

TEST(SshCommand, ReportsSignalsAsAShellWould) {
  TestSshd sshd;
  auto node = Connected(sshd);
  const std::vector<std::pair<std::string, int>> cases = {
      {"KILL", 137}, {"TERM", 143}, {"SEGV", 139}, {"HUP", 129}, {"USR1", 138}, {"ALRM", 142}};
  for (const auto& [signal, code] : cases) {
    SCOPED_TRACE(signal);
    auto result = node->Run(ACall(), Sh("kill -" + signal + " $$"));
    ASSERT_TRUE(result) << ReasonOf(result);
    EXPECT_EQ(result->exit_code, code);
  }
}

TEST(SshCommand, AProgramThatIsMissingIsAnExitCodeAndNotAnError) {
  TestSshd sshd;
  Command command;
  command.argv = {"/no/such/program"};
  auto result = Connected(sshd)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->exit_code, 127);
}

TEST(SshCommand, HostileArgumentsArriveUnchanged) {
  const std::vector<std::string> nasty = {"",
                                          " ",
                                          "'",
                                          "''",
                                          "\"",
                                          "\\",
                                          "\\'",
                                          "$HOME",
                                          "$(reboot)",
                                          "`reboot`",
                                          "; reboot",
                                          "&& reboot",
                                          "| cat",
                                          "> /dev/null",
                                          "*",
                                          "~",
                                          "a\nb",
                                          "\n",
                                          "tab\there",
                                          "-n",
                                          "--",
                                          "a=b",
                                          "#no comment",
                                          "!history",
                                          "{a,b}",
                                          "\xc3\xa4\xe2\x82\xac",
                                          "\xff\xfe",
                                          "\x01\x1b[2J"};
  TestSshd sshd;
  auto node = Connected(sshd);
  Command command;
  command.argv = {"/usr/bin/printf", "[%s]"};
  std::string expected;
  for (const std::string& word : nasty) {
    SCOPED_TRACE(word);
    Command one;
    one.argv = {"/usr/bin/printf", "%s", word};
    auto result = node->Run(ACall(), one);
    ASSERT_TRUE(result) << ReasonOf(result);
    EXPECT_EQ(result->out, word);
    command.argv.push_back(word);
    expected += "[" + word + "]";
  }
  auto all = node->Run(ACall(), command);
  ASSERT_TRUE(all) << ReasonOf(all);
  EXPECT_EQ(all->out, expected);
}

TEST(SshCommand, ArgumentsThatCannotBeSentAreADefectAndNothingRuns) {
  TestSshd sshd;
  auto node = Connected(sshd);
  for (const std::vector<std::string>& argv : {std::vector<std::string>{},
                                               {"echo", std::string("a\0b", 3)},
                                               {"echo", std::string(40000, 'x')}}) {
    Command command;
    command.argv = argv;
    auto result = node->Run(ACall(), command);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kTerminal);
    EXPECT_EQ(result.error().reason, "InvalidCommand");
  }
}

TEST(SshCommand, FeedsStandardInputAndEndsIt) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Command command = Sh("cat; echo end");
  command.input = BytesOf("fed\n");
  auto fed = node->Run(ACall(), command);
  ASSERT_TRUE(fed) << ReasonOf(fed);
  EXPECT_EQ(fed->out, "fed\nend\n");
  auto none = node->Run(ACall(), Sh("cat; echo end"));
  ASSERT_TRUE(none) << ReasonOf(none);
  EXPECT_EQ(none->out, "end\n");
}

TEST(SshCommand, KeepsOutputWithinItsBound) {
  TestSshd sshd;
  Command command = Sh("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3");
  command.max_output = 1000;
  auto result = Connected(sshd)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out.size(), 1000U);
  EXPECT_EQ(result->err.size(), 1000U);
  EXPECT_TRUE(result->truncated);
  EXPECT_EQ(result->exit_code, 3);
}

TEST(SshCommand, ManyRunAtOnceOverOneConnection) {
  TestSshd sshd;
  auto node = Connected(sshd);
  constexpr std::size_t kThreads = 24;
  std::vector<std::string> seen(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 4; ++round) {
          Command command = Sh("cat; seq 1 2000 >&2; exit " + std::to_string(i));
          command.input = BytesOf(std::string(10000, static_cast<char>('a' + i)));
          auto result = node->Run(ACall(), command);
          if (!result) {
            seen[i] = ReasonOf(result);
            return;
          }
          const bool right = result->out == std::string(10000, static_cast<char>('a' + i)) &&
                             result->err.size() == 8893 && result->exit_code == static_cast<int>(i);
          seen[i] = right ? "right" : "wrong";
        }
      });
    }
  }
  EXPECT_THAT(seen, ::testing::Each("right"));
  EXPECT_EQ(sshd.connections(), 1) << sshd.Log();
}

TEST(SshCommand, NobodyOversleepsWhatAnotherThreadReadForIt) {
  TestSshd sshd;
  auto node = Connected(sshd);
  const std::string fifo = (sshd.dir() / "fifo").string();
  RunProgram({"mkfifo", fifo});
  double longest = 0;
  for (int round = 0; round < 40; ++round) {
    const auto start = std::chrono::steady_clock::now();
    {
      // Both end at nearly the same time, so that one often reads the other's last bytes.
      const std::jthread reader([&] { EXPECT_TRUE(node->Run(ACall(), Sh("cat " + fifo))); });
      EXPECT_TRUE(node->Run(ACall(), Sh("echo x > " + fifo)));
    }
    longest = std::max(longest, SecondsSince(start));
  }
  // A missed waking ends at the next keepalive only, after 15 s.
  EXPECT_LT(longest, 14);
}

TEST(SshCommand, FitsIntoAServerThatAllowsFewSessions) {
  TestSshd sshd({.config = {"MaxSessions 2"}});
  auto node = Connected(sshd);
  std::vector<std::string> seen(10);
  {
    std::vector<std::jthread> threads;
    for (std::string& one : seen) {
      threads.emplace_back([&] {
        auto result = node->Run(ACall(), Sh("seq 1 100 | tail -1"));
        one = result ? result->out : ReasonOf(result);
      });
    }
  }
  EXPECT_THAT(seen, ::testing::Each("100\n"));
  EXPECT_EQ(sshd.connections(), 1);
}

TEST(SshCommand, AServerThatAllowsNoSessionIsSaidSo) {
  TestSshd sshd({.config = {"MaxSessions 0"}});
  auto node = AConnector(sshd.KnownHosts()).Connect(ACall(), sshd.Node());
  EXPECT_THAT(ReasonOf(node), StartsWith("Unreachable: "));
  EXPECT_THAT(ReasonOf(node), HasSubstr("lets nobody run commands"));
}

TEST(SshCommand, AnErrorOfTheSinkEndsTheTransferWithThatError) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Command command = Sh("yes");
  command.output = [](std::string_view) -> Status { return Terminal("DiskFull", "no room"); };
  auto result = node->Run(ACall(), command);
  EXPECT_EQ(ReasonOf(result), "DiskFull: no room");
  EXPECT_EQ(node->Run(ACall(), Sh("echo next"))->out, "next\n");
}

TEST(SshCommand, AnErrorOfTheSourceEndsTheTransferWithThatError) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Command command = Sh("cat >/dev/null");
  int calls = 0;
  command.input = [&calls](std::span<char> into) -> Result<std::size_t> {
    if (++calls > 3) return Transient("ConnectionLost", "the store hung up");
    std::fill(into.begin(), into.end(), 'x');
    return into.size();
  };
  EXPECT_EQ(ReasonOf(node->Run(ACall(), command)), "ConnectionLost: the store hung up");
  EXPECT_EQ(node->Run(ACall(), Sh("echo next"))->out, "next\n");
}

}  // namespace
}  // namespace etcdrestore::testing
