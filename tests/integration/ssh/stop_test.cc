#include <future>

#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Runs "echo started; sleep 30" and calls back once it has started.
Command Hanging(std::function<void()> on_start) {
  Command command = Sh("echo started; exec sleep 30");
  command.output = [on_start = std::move(on_start)](std::string_view) -> Status {
    on_start();
    return {};
  };
  return command;
}

TEST(SshStop, EndsAHangingCommandWithinASecondAndTheNodeStaysUsable) {
  TestSshd sshd;
  auto node = Connected(sshd);
  std::stop_source source;
  Call call = ACall();
  call.stop = source.get_token();
  SteadyTime stopped;
  auto result = node->Run(call, Hanging([&] {
                            stopped = std::chrono::steady_clock::now();
                            source.request_stop();
                          }));
  EXPECT_LT(SecondsSince(stopped), 1);
  EXPECT_THAT(ReasonOf(result),
              AllOf(StartsWith("Interrupted: "), HasSubstr("may have run or not")));
  EXPECT_EQ(node->Run(ACall(), Sh("echo fine"))->out, "fine\n");
  EXPECT_EQ(sshd.connections(), 1);
}

TEST(SshStop, FromAnotherThreadReachesEachOfSeveralSleepers) {
  TestSshd sshd;
  auto node = Connected(sshd);
  constexpr int kSleepers = 5;
  std::stop_source source;
  std::atomic<int> started = 0;
  std::promise<void> all_started;
  std::vector<std::string> reasons(kSleepers);
  std::vector<std::jthread> threads;
  for (std::string& reason : reasons) {
    threads.emplace_back([&] {
      Call call = ACall();
      call.stop = source.get_token();
      reason = ReasonOf(node->Run(call, Hanging([&] {
                                    if (++started == kSleepers) all_started.set_value();
                                  })));
    });
  }
  all_started.get_future().wait();
  const auto start = std::chrono::steady_clock::now();
  source.request_stop();
  threads.clear();
  EXPECT_LT(SecondsSince(start), 1);
  EXPECT_THAT(reasons, ::testing::Each(StartsWith("Interrupted: ")));
}

TEST(SshStop, OneStoppedCommandLeavesItsNeighboursAlone) {
  TestSshd sshd;
  auto node = Connected(sshd);
  std::stop_source source;
  std::promise<void> go_on;
  std::future<void> released = go_on.get_future();
  std::string neighbour;
  std::jthread thread([&] {
    Command command = Sh("cat");
    bool fed = false;
    command.input = [&](std::span<char> into) -> Result<std::size_t> {
      if (fed) return std::size_t{0};
      fed = true;
      released.wait();
      into[0] = 'x';
      return std::size_t{1};
    };
    auto result = node->Run(ACall(), command);
    neighbour = result ? result->out : ReasonOf(result);
  });
  Call call = ACall();
  call.stop = source.get_token();
  EXPECT_THAT(ReasonOf(node->Run(call, Hanging([&] { source.request_stop(); }))),
              StartsWith("Interrupted: "));
  go_on.set_value();
  thread.join();
  EXPECT_EQ(neighbour, "x");
}

TEST(SshStop, EndsTheInputOfTheRemoteProgram) {
  TestSshd sshd;
  auto node = Connected(sshd);
  const std::string fifo = (sshd.dir() / "fifo").string();
  RunProgram({"mkfifo", fifo});
  std::stop_source source;
  Call call = ACall();
  call.stop = source.get_token();
  Command command = Sh("trap '' TERM; echo started; cat >/dev/null; echo ended > " + fifo);
  command.output = [&](std::string_view) -> Status {
    source.request_stop();
    return {};
  };
  command.input = [](std::span<char> into) -> Result<std::size_t> { return into.size(); };
  EXPECT_THAT(ReasonOf(node->Run(call, command)), StartsWith("Interrupted: "));
  auto ended = node->Run(ACall(), Sh("cat " + fifo));
  ASSERT_TRUE(ended) << ReasonOf(ended);
  EXPECT_EQ(ended->out, "ended\n");
}

TEST(SshStop, ADeadlineEndsACommand) {
  TestSshd sshd;
  auto node = Connected(sshd);
  const Call call = ACall().Within(std::chrono::milliseconds(300));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(ReasonOf(node->Run(call, Sh("sleep 30"))), StartsWith("DeadlineExceeded: "));
  EXPECT_LT(SecondsSince(start), 2);
}

TEST(SshStop, AnEndlessStreamIsEndedByADeadlineToo) {
  TestSshd sshd;
  Command command = Sh("yes");
  command.output = [](std::string_view) -> Status { return {}; };
  const Call call = ACall().Within(std::chrono::milliseconds(300));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(ReasonOf(Connected(sshd)->Run(call, command)), StartsWith("DeadlineExceeded: "));
  EXPECT_LT(SecondsSince(start), 5);
}

TEST(SshStop, ACallThatIsOverSendsNothing) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Call call;
  call.deadline = std::chrono::steady_clock::now();
  const std::string file = (sshd.dir() / "ran").string();
  EXPECT_THAT(ReasonOf(node->Run(call, Sh("touch " + file))), StartsWith("DeadlineExceeded: "));
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(SshStop, ProgramsThatIgnoreTheirEndDoNotUseUpTheNode) {
  TestSshd sshd;
  auto node = Connected(sshd);
  // They end with the test's folder, and after half a minute should the test be killed.
  const std::string script = "trap '' TERM HUP PIPE; echo started; i=0; while [ -e " +
                             (sshd.dir() / "sshd_config").string() +
                             " ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done";
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    std::stop_source source;
    Call call = ACall();
    call.stop = source.get_token();
    Command stubborn = Sh(script);
    stubborn.output = [&](std::string_view) -> Status {
      source.request_stop();
      return {};
    };
    EXPECT_THAT(ReasonOf(node->Run(call, stubborn)), StartsWith("Interrupted: "));
  }
  auto result = node->Run(ACall(), Sh("echo still here"));
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "still here\n");
}

}  // namespace
}  // namespace etcdrestore::testing
