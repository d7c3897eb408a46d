#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "tests/support/sockets.h"

namespace etcdrestore::testing {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const std::string& log,
                           const std::vector<std::string>& environment)
    : log_(log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  // A program blocks no signal because the test does.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  if (posix_spawn(&pid_, argv.front().c_str(), &actions, &attributes, Pointers(argv).data(),
                  Pointers(environment).data()) != 0)
    pid_ = -1;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), log_(std::move(other.log_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  Kill();
  pid_ = std::exchange(other.pid_, -1);
  log_ = std::move(other.log_);
  return *this;
}

ChildProcess::~ChildProcess() { Kill(); }

std::string ChildProcess::Log() const {
  std::ifstream in(log_);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool ChildProcess::WaitUntil(const std::function<bool()>& seen, std::chrono::seconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  bool yes = seen();
  while (!yes && std::chrono::steady_clock::now() < end) {
    pollfd death{process, POLLIN, 0};
    const bool dead = poll(&death, 1, 20) > 0;
    yes = seen();
    if (dead) break;
  }
  if (process >= 0) close(process);
  return yes;
}

bool ChildProcess::WaitForLog(const std::string& text) const {
  return WaitUntil([&] { return Log().find(text) != std::string::npos; });
}

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int ChildProcess::Wait(std::chrono::seconds limit) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd death{process, POLLIN, 0};
  const int milliseconds = static_cast<int>(std::chrono::milliseconds(limit).count());
  const bool dead = poll(&death, 1, milliseconds) > 0;
  if (process >= 0) close(process);
  if (!dead) return -1;
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ChildProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
}

int FreePort() {
  const Listener listener = ListenOnLoopback();
  close(listener.fd);
  return listener.port;
}

}  // namespace etcdrestore::testing
