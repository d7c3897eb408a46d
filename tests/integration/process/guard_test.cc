// A program and its children, the guard above them, and the operator that sleeps or dies.
#include "operator/adapters/process/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/child_process.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Names its guard, itself and a child of its own that would live for an hour.
constexpr const char* kTree = "sleep 3600 & echo tree $PPID $$ $! done; wait";

/// Watches a process that need not be ours; opened while it lives.
class Watched {
 public:
  explicit Watched(int pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Watched() {
    if (fd_ >= 0) close(fd_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  [[nodiscard]] bool alive() const { return fd_ >= 0 && !Dies(0s); }
  [[nodiscard]] bool Dies(std::chrono::seconds within = 30s) const {
    pollfd death{fd_, POLLIN, 0};
    return poll(&death, 1, static_cast<int>(within.count()) * 1000) > 0;
  }

 private:
  int fd_;
};

class Guard : public ::testing::Test {
 protected:
  /// The stand-in for the operator, once its script has told the pids.
  void Start(int limit_ms, const std::string& script = kTree) {
    log_ = ::testing::TempDir() + "guard-" +
           ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".log";
    std::filesystem::remove(log_);
    parent_ = ChildProcess({GUARDED_PROGRAM, std::to_string(limit_ms), script}, log_);
    ASSERT_TRUE(parent_.WaitForLog("done")) << parent_.Log();
    std::istringstream words(parent_.Log());
    std::string word;
    ASSERT_TRUE(words >> word >> guard_pid_ >> program_pid_ >> child_pid_) << parent_.Log();
    guard_ = std::make_unique<Watched>(guard_pid_);
    program_ = std::make_unique<Watched>(program_pid_);
    child_ = std::make_unique<Watched>(child_pid_);
    ASSERT_TRUE(guard_->alive() && program_->alive() && child_->alive());
  }
  void TearDown() override {
    parent_.Signal(SIGCONT);
    parent_.Kill();
    if (guard_) {
      EXPECT_TRUE(guard_->Dies());
      EXPECT_TRUE(program_->Dies());
      EXPECT_TRUE(child_->Dies()) << "the child " << child_pid_ << " outlived the test";
    }
    std::filesystem::remove(log_);
  }

  std::string log_;
  ChildProcess parent_;
  int guard_pid_ = 0, program_pid_ = 0, child_pid_ = 0;
  std::unique_ptr<Watched> guard_, program_, child_;
};

TEST_F(Guard, KillsTheWholeTreeWhenTheOperatorIsKilled) {
  Start(3'600'000);
  parent_.Kill();
  EXPECT_TRUE(program_->Dies());
  EXPECT_TRUE(child_->Dies());
  EXPECT_TRUE(guard_->Dies());
}

TEST_F(Guard, KillsTheWholeTreeWhileTheOperatorSleepsPastTheTimeItGave) {
  Start(1000);
  parent_.Signal(SIGSTOP);
  EXPECT_TRUE(program_->Dies());
  EXPECT_TRUE(child_->Dies()) << "while nobody who could be asked is awake";
  parent_.Signal(SIGCONT);
  EXPECT_EQ(parent_.Wait(), 1);
  EXPECT_THAT(parent_.Log(), HasSubstr("ended by ProcessFenced"));
}

TEST_F(Guard, LeavesATreeAloneForAsLongAsTheOperatorSaysSo) {
  Start(1000,
        "i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 0.1; done & echo tree $PPID $$ $! "
        "done; wait; echo three limits later");
  EXPECT_EQ(parent_.Wait(), 0);
  EXPECT_THAT(parent_.Log(), HasSubstr("three limits later\nended with code 0"));
}

TEST_F(Guard, ItsOwnDeathIsTheProgramsToo) {
  Start(3'600'000, "sleep 3600 & echo tree $PPID $$ $! done; exec sleep 3600");
  kill(guard_pid_, SIGKILL);
  EXPECT_TRUE(program_->Dies());
  EXPECT_EQ(parent_.Wait(), 0);
  EXPECT_THAT(parent_.Log(), HasSubstr("ended with code 137"));
  kill(child_pid_, SIGKILL);  // nobody is left who knew of it
}

TEST_F(Guard, EndsWhatAProgramLeavesBehind) {
  Start(3'600'000, "trap 'exit 3' USR1; sleep 3600 & echo tree $PPID $$ $! done; wait");
  kill(program_pid_, SIGUSR1);
  EXPECT_EQ(parent_.Wait(), 0);
  EXPECT_THAT(parent_.Log(), HasSubstr("ended with code 3"));
  EXPECT_TRUE(child_->Dies());
}

TEST_F(Guard, HoldsNothingOfTheOperatorsButTheLine) {
  Start(3'600'000);
  int open = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(guard_pid_) + "/fd"))
    ++open;
  EXPECT_EQ(open, 1);
}

TEST_F(Guard, ItsProgramBlocksNoSignalThoughTheOperatorDoes) {
  Start(3'600'000);
  std::ifstream status("/proc/" + std::to_string(program_pid_) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("SigBlk:")) {
  }
  EXPECT_THAT(line, HasSubstr("0000000000000000"));
}

TEST_F(Guard, AShellInItsTerminalCannotStopIt) {
  Start(1000);
  EXPECT_NE(getsid(guard_pid_), getsid(parent_.pid()));
  EXPECT_EQ(getpgid(child_pid_), program_pid_) << "one group, which the guard can kill";
}

TEST(BootTime, IsNeverTheOrderToEnd) {
  const SteadyTime now = std::chrono::steady_clock::now();
  EXPECT_EQ(BootTimeOf(now, now), 1) << "long ago";
  EXPECT_EQ(BootTimeOf(SteadyTime::min(), now), 1);
  EXPECT_EQ(BootTimeOf(SteadyTime::max(), now), std::numeric_limits<std::int64_t>::max());
  const std::int64_t before = BootNanos();
  const std::int64_t soon = BootTimeOf(now + 5s, now);
  EXPECT_GE(soon - before, 5'000'000'000);
  EXPECT_LE(soon - BootNanos(), 5'000'000'000);
}

}  // namespace
}  // namespace etcdrestore::testing
