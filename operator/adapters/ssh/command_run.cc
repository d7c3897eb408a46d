#include "operator/adapters/ssh/command_run.h"

#include <fmt/format.h>
#include <libssh2.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>
#include <vector>

namespace etcdrestore::ssh {
namespace {

constexpr std::size_t kInputChunk = 256U << 10U;
constexpr std::size_t kReadPerTurn = 512U << 10U;
// Enough to keep a fast line busy, little enough to notice a stop soon.
constexpr std::size_t kMostPending = 1U << 20U;

class Run {
 public:
  Run(const Call& call, Session& session, LIBSSH2_CHANNEL* channel, const Command& command)
      : call_(call), session_(session), channel_(channel), command_(command) {
    input_done_ = !command.input;
  }
  ~Run() {
    Session::Turn turn(session_);
    session_.Release(turn, channel_, ended_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Result<CommandResult> Go(const std::string& line) {
    if (Status started = Start(line); !started) return started.error();
    while (!ended_) {
      if (const auto over = call_.Over()) return Unsure(*over);
      if (Status moved = Move(); !moved) return Unsure(moved.error());
      if (Status delivered = Deliver(); !delivered) return delivered.error();
      if (Status fed = ReadInput(); !fed) return fed.error();
    }
    return std::move(result_);
  }

 private:
  Status Start(const std::string& line) {
    Session::Turn turn(session_);
    Status started = session_.Start(turn, call_, channel_, line);
    if (!started && started.error().reason != "ChannelRefused") return Unsure(started.error());
    return started;
  }

  /// One turn with the library: everything that can be moved without waiting; waits if nothing can.
  Status Move() {
    Session::Turn turn(session_);
    while (true) {
      moved_ = false;
      if (Status written = Write(); !written) return written;
      if (Status read = Read(0, out_); !read) return read;
      if (Status read = Read(SSH_EXTENDED_DATA_STDERR, err_); !read) return read;
      if (!moved_ && Closed()) {
        Finish();
        return {};
      }
      if (session_.transport().broken()) return session_.Failure("run a command", 0);
      if (moved_ || NeedsInput()) return {};
      if (Status waited = session_.Wait(turn, call_); !waited) return waited;
    }
  }

  [[nodiscard]] bool NeedsInput() const { return !input_done_ && at_ == pending_.size(); }

  Status Write() {
    while (at_ < pending_.size() && session_.transport().pending() < kMostPending) {
      const ssize_t wrote =
          libssh2_channel_write(channel_, pending_.data() + at_, pending_.size() - at_);
      if (wrote == LIBSSH2_ERROR_EAGAIN || wrote == 0) break;
      if (wrote < 0) return session_.Failure("send input", static_cast<int>(wrote));
      at_ += static_cast<std::size_t>(wrote);
      moved_ = true;
    }
    if (!input_done_ || at_ < pending_.size() || eof_sent_) return {};
    const int rc = libssh2_channel_send_eof(channel_);
    if (rc == LIBSSH2_ERROR_EAGAIN) return {};
    if (rc != 0) return session_.Failure("end the input", rc);
    eof_sent_ = true;
    return {};
  }

  Status Read(int stream, std::string& into) {
    std::array<char, 64U << 10U> buffer{};
    while (into.size() < kReadPerTurn) {
      const ssize_t got = libssh2_channel_read_ex(channel_, stream, buffer.data(), buffer.size());
      if (got == LIBSSH2_ERROR_EAGAIN || got == 0) break;
      if (got < 0) return session_.Failure("read output", static_cast<int>(got));
      into.append(buffer.data(), static_cast<std::size_t>(got));
      moved_ = true;
    }
    return {};
  }

  /// True once the server closed the channel and every byte was read. The end of output alone is
  /// not the end: the exit code comes after it.
  bool Closed() {
    if (libssh2_channel_eof(channel_) != 1) return false;
    return libssh2_channel_wait_closed(channel_) == 0 && !session_.transport().broken();
  }

  void Finish() {
    ended_ = true;
    char* name = nullptr;
    std::size_t size = 0;
    libssh2_channel_get_exit_signal(channel_, &name, &size, nullptr, nullptr, nullptr, nullptr);
    result_.exit_code = libssh2_channel_get_exit_status(channel_);
    if (name == nullptr) return;
    result_.exit_code = ExitCodeOfSignal(std::string_view(name, size));
    libssh2_free(session_.raw(), name);
  }

  Status Deliver() {
    Keep(err_, result_.err);
    err_.clear();
    if (!command_.output) {
      Keep(out_, result_.out);
    } else if (!out_.empty()) {
      if (Status taken = command_.output(out_); !taken) return taken;
    }
    out_.clear();
    return {};
  }

  void Keep(std::string_view from, std::string& kept) {
    const std::size_t room = command_.max_output - std::min(command_.max_output, kept.size());
    if (from.size() > room) result_.truncated = true;
    kept += from.substr(0, room);
  }

  Status ReadInput() {
    if (ended_ || !NeedsInput()) return {};
    pending_.resize(kInputChunk);
    at_ = 0;
    auto got = command_.input(pending_);
    pending_.resize(got ? *got : 0);
    if (!got) return got.error();
    input_done_ = *got == 0;
    return {};
  }

  Error Unsure(const Error& error) const {
    return Error{error.kind, error.reason,
                 fmt::format("{}; the command on node {} may have run or not: look there before "
                             "anything else",
                             error.message, Label(session_.node()))};
  }

  const Call& call_;
  Session& session_;
  LIBSSH2_CHANNEL* channel_;
  const Command& command_;
  CommandResult result_;
  std::vector<char> pending_;  ///< input on its way; stays put until libssh2 has taken all of it
  std::size_t at_ = 0;
  std::string out_;
  std::string err_;
  bool input_done_ = false;
  bool eof_sent_ = false;
  bool moved_ = false;
  bool ended_ = false;
};

}  // namespace

int ExitCodeOfSignal(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 13> kSignals = {{{"HUP", SIGHUP},
                                                                          {"INT", SIGINT},
                                                                          {"QUIT", SIGQUIT},
                                                                          {"ILL", SIGILL},
                                                                          {"TRAP", SIGTRAP},
                                                                          {"ABRT", SIGABRT},
                                                                          {"FPE", SIGFPE},
                                                                          {"KILL", SIGKILL},
                                                                          {"USR1", SIGUSR1},
                                                                          {"SEGV", SIGSEGV},
                                                                          {"USR2", SIGUSR2},
                                                                          {"PIPE", SIGPIPE},
                                                                          {"TERM", SIGTERM}}};
  for (const auto& [known, number] : kSignals) {
    if (known == name) return 128 + number;
  }
  return name == "ALRM" ? 128 + SIGALRM : 255;
}

Result<CommandResult> RunLine(const Call& call, Session& session, _LIBSSH2_CHANNEL* channel,
                              const std::string& line, const Command& command) {
  return Run(call, session, channel, command).Go(line);
}

}  // namespace etcdrestore::ssh
