#include "operator/adapters/process/subprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;

ProcessRequest Script(const std::string& text, std::vector<std::string>& lines) {
  return {{"/bin/sh", "-c", text},
          {"PATH=/usr/bin:/bin", "WORD=from us"},
          "/",
          [&lines](const std::string& line) { lines.push_back(line); },
          {},
          {}};
}

TEST(Subprocess, TellsLinesOfBothOutputsAndTheExitCode) {
  std::vector<std::string> lines;
  const auto ran =
      RunProcess({}, Script("echo one; echo two >&2; printf three; pwd; exit 7", lines));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->exit_code, 7);
  EXPECT_THAT(lines, ElementsAre("one", "two", "three/"));
}

TEST(Subprocess, GivesExactlyTheEnvironmentAskedFor) {
  std::vector<std::string> lines;
  setenv("NOT_FOR_PROGRAMS", "secret", 1);
  const auto ran = RunProcess({}, Script("echo $WORD; echo [$NOT_FOR_PROGRAMS]", lines));
  ASSERT_TRUE(ran);
  EXPECT_THAT(lines, ElementsAre("from us", "[]"));
}

TEST(Subprocess, SaysWhichSignalEndedIt) {
  std::vector<std::string> lines;
  const auto ran = RunProcess({}, Script("kill -SEGV $$", lines));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->exit_code, 128 + 11);
}

TEST(Subprocess, KeepsTheLastWordsOfAProgramThatEndsAtOnce) {
  for (int i = 0; i < 50; ++i) {
    std::vector<std::string> lines;
    ASSERT_TRUE(RunProcess({}, Script("echo last words", lines)));
    ASSERT_THAT(lines, ElementsAre("last words"));
  }
}

TEST(Subprocess, AsksAProgramToEndWhenItIsStopped) {
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  std::vector<std::string> lines;
  ProcessRequest request =
      Script("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done", lines);
  request.line = [&](const std::string& line) {
    lines.push_back(line);
    if (line == "ready") stop.request_stop();
  };
  const auto ran = RunProcess(call, request);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "Interrupted");
  EXPECT_THAT(lines, Contains("asked"));
}

TEST(Subprocess, KillsAProgramThatDoesNotListen) {
  std::vector<std::string> lines;
  const auto ran = RunProcess(Call().Within(1ms), Script("trap '' TERM; sleep 3600", lines));
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "DeadlineExceeded");
}

TEST(Subprocess, EndsAProgramThatClosedItsOutput) {
  std::vector<std::string> lines;
  const auto ran =
      RunProcess(Call().Within(1ms), Script("exec >/dev/null 2>&1; exec sleep 3600", lines));
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "DeadlineExceeded");
}

TEST(Subprocess, EndsWithTheErrorOfTheOneThatIsAsked) {
  std::vector<std::string> lines;
  ProcessRequest request = Script("exec sleep 3600", lines);
  request.alive = [] { return Status(Terminal("LockLost", "another run has the node")); };
  const auto ran = RunProcess({}, request);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "LockLost");
}

TEST(Subprocess, DoesNotLiveOnAfterItsTime) {
  std::vector<std::string> lines;
  ProcessRequest request = Script("echo began; exec sleep 3600", lines);
  request.until = [] { return SteadyTime::min(); };
  const auto ran = RunProcess({}, request);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "ProcessFenced");
  EXPECT_EQ(ran.error().kind, ErrorKind::kTransient);
}

TEST(Subprocess, NamesAProgramThatIsNotThere) {
  const auto ran = RunProcess({}, {{"/does/not/exist"}, {}, "", {}, {}, {}});
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "ProgramMissing");
  EXPECT_EQ(ran.error().kind, ErrorKind::kTerminal);
}

}  // namespace
}  // namespace etcdrestore::testing
