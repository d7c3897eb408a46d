#include "operator/adapters/process/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <limits>

namespace etcdrestore {
namespace {

constexpr std::int64_t kLookEvery = 100'000'000;

void SetSignals(void (*set)(sigset_t*)) {
  sigset_t signals;
  set(&signals);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
}

[[noreturn]] void BecomeProgram(const GuardedProgram& program, pid_t guard) {
  ::setpgid(0, 0);
  // Should the guard itself be killed. Before it is looked whether that happened already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guard) ::_exit(125);
  ::signal(SIGPIPE, SIG_DFL);
  SetSignals([](sigset_t* none) { sigemptyset(none); });
  ::dup2(program.output, STDOUT_FILENO);
  ::dup2(program.output, STDERR_FILENO);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (program.folder[0] != '\0' && ::chdir(program.folder) != 0) ::_exit(126);
  ::execve(program.argv[0], program.argv, program.environment);
  ::_exit(127);
}

/// Held open here they would outlive us: locks, sockets, the line of another program's guard.
void KeepOnly(int fd) {
  ::dup2(fd, 0);
  if (::close_range(1, ~0U, 0) == 0) return;
  for (int other = 1; other < 65536; ++other) ::close(other);
}

/// Ended, but still there to be waited for: its group's number cannot belong to others yet.
bool HasEnded(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

/// Kills the whole group; the exit code of the program.
int EndGroup(pid_t child) {
  ::kill(-child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void DieOfTime() {
  ::signal(kGuardTimedOut, SIG_DFL);
  SetSignals([](sigset_t* none) { sigemptyset(none); });
  ::raise(kGuardTimedOut);
  ::_exit(125);
}

/// Waits for an order until `until`, the program's end or the next look; false when the socket is
/// closed.
bool TakeOrder(pid_t child, std::int64_t& until) {
  const std::int64_t left = std::clamp<std::int64_t>(until - BootNanos(), 0, kLookEvery);
  const timespec most{0, static_cast<long>(left)};
  sigset_t all_but_end;
  sigfillset(&all_but_end);
  sigdelset(&all_but_end, SIGCHLD);
  pollfd wait{0, POLLIN, 0};
  if (::ppoll(&wait, 1, &most, &all_but_end) <= 0) return true;
  GuardOrder order;
  if (::recv(0, &order, sizeof order, 0) != static_cast<ssize_t>(sizeof order)) return false;
  if (order.until == 0) {
    ::kill(-child, SIGTERM);
  } else {
    until = order.until;
  }
  return true;
}

}  // namespace

const int kGuardTimedOut = SIGALRM;

std::int64_t BootNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t BootTimeOf(SteadyTime until, SteadyTime now) {
  if (until <= now) return 1;
  const std::int64_t boot = BootNanos();
  const std::int64_t left = std::chrono::nanoseconds(until - now).count();
  return left > std::numeric_limits<std::int64_t>::max() - boot
             ? std::numeric_limits<std::int64_t>::max()
             : boot + left;
}

void BeGuard(const GuardedProgram& program) {
  ::setsid();
  SetSignals([](sigset_t* all) { sigfillset(all); });
  ::signal(SIGCHLD, [](int) {});
  const pid_t guard = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) BecomeProgram(program, guard);
  if (child < 0) ::_exit(125);
  ::setpgid(child, child);
  KeepOnly(program.orders);
  std::int64_t until = program.until;
  while (true) {
    if (HasEnded(child)) ::_exit(EndGroup(child));
    if (BootNanos() >= until) {
      EndGroup(child);
      DieOfTime();
    }
    if (!TakeOrder(child, until)) ::_exit(EndGroup(child));
  }
}

}  // namespace etcdrestore
