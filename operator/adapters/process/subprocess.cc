#include "operator/adapters/process/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "operator/adapters/process/guard.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

/// How often a guard is told until when its program may live.
constexpr auto kBeat = 250ms;

/// Two ends, closed with us and not passed to programs.
struct Ends {
  int ours = -1;
  int theirs = -1;
};

std::optional<Ends> OpenPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Ends{ends[0], ends[1]};
}

std::optional<Ends> OpenSocket() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return std::nullopt;
  return Ends{ends[0], ends[1]};
}

void Close(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

/// What a guard does not read in time is not worth waiting for.
void Send(int orders, const GuardOrder& order) {
  const auto sent = ::send(orders, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
  static_cast<void>(sent);
}

/// Tells the guard until when its program may live, from a thread of its own: what else we do may
/// take long.
class Heartbeat {
 public:
  Heartbeat(int orders, const std::function<SteadyTime()>& until) {
    if (!until) return;
    thread_ = std::jthread([orders, &until](const std::stop_token& stop) {
      Call call;
      call.stop = stop;
      while (!stop.stop_requested()) {
        const SteadyTime now = std::chrono::steady_clock::now();
        Send(orders, {BootTimeOf(until(), now)});
        WaitOrStop(call, kBeat);
      }
    });
  }

 private:
  std::jthread thread_;
};

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
  Watch(const Call& call, const ProcessRequest& request, pid_t guard, int output, int orders)
      : call_(call),
        request_(request),
        guard_(guard),
        output_(output),
        orders_(orders),
        lines_(request.line) {}

  Result<ProcessResult> UntilEnd() {
    bool open = true;
    while (true) {
      std::array<pollfd, 2> waits{{{open ? output_ : -1, POLLIN, 0}, {orders_, 0, 0}}};
      if (::poll(waits.data(), waits.size(), 200) < 0) continue;
      if (waits[0].revents != 0) open = ReadSome();
      if ((waits[1].revents & POLLHUP) != 0) break;
      Check();
    }
    // The guard has ended; what its program said before is in the pipe.
    for (pollfd rest{output_, POLLIN, 0}; open && ::poll(&rest, 1, 0) > 0;) open = ReadSome();
    lines_.Flush();
    int status = 0;
    while (::waitpid(guard_, &status, 0) < 0 && errno == EINTR) {
    }
    if (ended_) return *ended_;
    if (WIFSIGNALED(status) && WTERMSIG(status) == kGuardTimedOut)
      return Transient("ProcessFenced",
                       request_.argv[0] +
                           " was killed: the time until which it might run had passed, and nobody "
                           "had said that it may go on");
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
        Send(orders_, {});
      }
    } else if (now - asked_to_end_ >= 5s) {
      ::shutdown(orders_, SHUT_WR);
    }
  }

  const Call& call_;
  const ProcessRequest& request_;
  pid_t guard_;
  int output_;
  int orders_;
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
  auto output = OpenPipe();
  auto orders = OpenSocket();
  if (!output || !orders) return Transient("NoPipe", std::string("pipe: ") + std::strerror(errno));
  const auto argv = Pointers(request.argv);
  const auto environment = Pointers(request.environment);
  const SteadyTime now = std::chrono::steady_clock::now();
  const GuardedProgram program{
      argv.data(),
      environment.data(),
      request.folder.c_str(),
      output->theirs,
      orders->theirs,
      BootTimeOf(request.until ? request.until() : SteadyTime::max(), now)};
  const pid_t guard = ::fork();
  if (guard == 0) {
    ::close(orders->ours);
    ::close(output->ours);
    BeGuard(program);
  }
  Close(output->theirs);
  Close(orders->theirs);
  if (guard < 0) {
    Close(output->ours);
    Close(orders->ours);
    return Transient("NoProcess", std::string("fork: ") + std::strerror(errno));
  }
  Result<ProcessResult> result = [&] {
    const Heartbeat heartbeat(orders->ours, request.until);
    return Watch(call, request, guard, output->ours, orders->ours).UntilEnd();
  }();
  Close(orders->ours);
  Close(output->ours);
  return result;
}

}  // namespace etcdrestore
