#include "operator/session/logged_node.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "operator/base/clock.h"

namespace etcdrestore {
namespace {

class LoggedNode final : public Node {
 public:
  LoggedNode(std::unique_ptr<Node> node, std::string name, std::string path,
             std::function<Status(const Command&)> may_run,
             std::function<void(const Result<CommandResult>&, Duration)> ended)
      : node_(std::move(node)),
        name_(std::move(name)),
        path_(std::move(path)),
        may_run_(std::move(may_run)),
        ended_(std::move(ended)) {}

  Result<CommandResult> Run(const Call& call, const Command& command) override {
    if (may_run_) {
      if (Status allowed = may_run_(command); !allowed) return allowed.error();
    }
    const SteadyTime start = std::chrono::steady_clock::now();
    auto result = node_->Run(call, command);
    const Duration took = std::chrono::steady_clock::now() - start;
    Write(command, result ? fmt::format("exit {}", result->exit_code) : result.error().reason,
          std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    if (ended_) ended_(result, took);
    return result;
  }
  [[nodiscard]] std::string host_key_fingerprint() const override {
    return node_->host_key_fingerprint();
  }
  [[nodiscard]] RootMethod root_method() const override { return node_->root_method(); }

 private:
  void Write(const Command& command, const std::string& end, std::int64_t milliseconds) const {
    std::string line = FormatTime(RealClock().Now()) + " " + name_;
    for (const std::string& word : command.argv)
      line += word.size() > 2000 ? " <script>" : " " + word;
    for (char& c : line) {
      if (c == '\n') c = ' ';
    }
    line += fmt::format(" -> {} in {} ms\n", end, milliseconds);
    // One write with O_APPEND: lines of parallel nodes do not mix.
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return;
    [[maybe_unused]] const ssize_t written = ::write(fd, line.data(), line.size());
    ::close(fd);
  }

  std::unique_ptr<Node> node_;
  std::string name_;
  std::string path_;
  std::function<Status(const Command&)> may_run_;
  std::function<void(const Result<CommandResult>&, Duration)> ended_;
};

}  // namespace

std::unique_ptr<Node> WithCommandLog(
    std::unique_ptr<Node> node, std::string name, std::string path,
    std::function<Status(const Command&)> may_run,
    std::function<void(const Result<CommandResult>&, Duration)> ended) {
  return std::make_unique<LoggedNode>(std::move(node), std::move(name), std::move(path),
                                      std::move(may_run), std::move(ended));
}

}  // namespace etcdrestore
