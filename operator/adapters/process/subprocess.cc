#include "operator/adapters/process/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  int read = -1;
  int write = -1;
  static std::optional<Pipe> Open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
    return Pipe{ends[0], ends[1]};
  }
};

void Close(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

/// Async-signal-safe part after fork: no allocation, no lock.
[[noreturn]] void BecomeProgram(char* const* argv, char* const* environment, const char* folder,
                                int output) {
  ::setpgid(0, 0);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (folder[0] != '\0' && ::chdir(folder) != 0) ::_exit(126);
  ::execve(argv[0], argv, environment);
  ::_exit(127);
}

/// The guard: lives in its own session, holds the read end of our pipe, and when that closes kills
/// the program's group. It reports the program's exit status as its own.
[[noreturn]] void Guard(char* const* argv, char* const* environment, const char* folder, int output,
                        int lifeline) {
  ::setsid();
  const pid_t child = ::fork();
  if (child == 0) BecomeProgram(argv, environment, folder, output);
  if (child < 0) ::_exit(125);
  ::setpgid(child, child);
  ::close(output);
  while (true) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) {
      ::kill(-child, SIGKILL);
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    pollfd wait{lifeline, POLLIN, 0};
    const int ready = ::poll(&wait, 1, 100);
    if (ready <= 0) continue;
    char order = 0;
    const ssize_t count = ::read(lifeline, &order, 1);
    ::kill(-child, count == 1 ? SIGTERM : SIGKILL);
  }
}

class Lines {
 public:
  explicit Lines(const std::function<void(const std::string&)>& line) : line_(line) {}
  void Take(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        Flush();
      } else if (text_.size() < 8192) {
        text_ += c;
      }
    }
  }
  void Flush() {
    if (!text_.empty() && line_) line_(text_);
    text_.clear();
  }

 private:
  const std::function<void(const std::string&)>& line_;
  std::string text_;
};

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Watches one guard until it ends.
class Watch {
 public:
  Watch(const Call& call, const ProcessRequest& request, pid_t guard, int output, int lifeline)
      : call_(call),
        request_(request),
        guard_(guard),
        output_(output),
        lifeline_(lifeline),
        lines_(request.line) {}
  ~Watch() { Close(lifeline_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Result<ProcessResult> UntilEnd() {
    while (true) {
      pollfd wait{output_, POLLIN, 0};
      if (::poll(&wait, 1, 200) > 0 && !ReadSome()) break;
      Check();
    }
    lines_.Flush();
    int status = 0;
    while (::waitpid(guard_, &status, 0) < 0 && errno == EINTR) {
    }
    if (ended_) return *ended_;
    return ProcessResult{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
  }

 private:
  bool ReadSome() {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(output_, buffer.data(), buffer.size());
    if (count > 0) lines_.Take({buffer.data(), static_cast<std::size_t>(count)});
    return count > 0 || (count < 0 && errno == EINTR);
  }

  void Check() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!ended_) {
      ended_ = call_.Over();
      if (!ended_ && request_.alive && now - asked_ >= 1s) {
        asked_ = now;
        if (const Status alive = request_.alive(); !alive) ended_ = alive.error();
      }
      if (ended_) {
        asked_to_end_ = now;
        [[maybe_unused]] const ssize_t sent = ::write(lifeline_, "t", 1);
      }
    } else if (now - asked_to_end_ >= 5s) {
      Close(lifeline_);
    }
  }

  const Call& call_;
  const ProcessRequest& request_;
  pid_t guard_;
  int output_;
  int lifeline_;
  Lines lines_;
  SteadyTime asked_ = std::chrono::steady_clock::now();
  SteadyTime asked_to_end_{};
  std::optional<Error> ended_;
};

}  // namespace

Result<ProcessResult> RunProcess(const Call& call, const ProcessRequest& request) {
  if (request.argv.empty() || ::access(request.argv[0].c_str(), X_OK) != 0) {
    return Terminal("ProgramMissing",
                    (request.argv.empty() ? "no program" : request.argv[0]) +
                        " is not there or cannot be run: " + std::strerror(errno));
  }
  auto output = Pipe::Open();
  auto life = Pipe::Open();
  if (!output || !life) return Transient("NoPipe", std::string("pipe: ") + std::strerror(errno));
  const auto argv = Pointers(request.argv);
  const auto environment = Pointers(request.environment);
  const pid_t guard = ::fork();
  if (guard == 0) {
    ::close(life->write);
    ::close(output->read);
    Guard(argv.data(), environment.data(), request.folder.c_str(), output->write, life->read);
  }
  Close(output->write);
  Close(life->read);
  if (guard < 0) {
    Close(output->read);
    Close(life->write);
    return Transient("NoProcess", std::string("fork: ") + std::strerror(errno));
  }
  Watch watch(call, request, guard, output->read, life->write);
  auto result = watch.UntilEnd();
  Close(output->read);
  return result;
}

}  // namespace etcdrestore
