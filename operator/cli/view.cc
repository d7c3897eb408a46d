#include "operator/cli/view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "operator/cli/text.h"
#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

bool Ascii() {
  const char* locale = std::getenv("LC_ALL");
  if (locale == nullptr || *locale == '\0') locale = std::getenv("LC_CTYPE");
  if (locale == nullptr || *locale == '\0') locale = std::getenv("LANG");
  return locale == nullptr ||
         (std::strstr(locale, "UTF-8") == nullptr && std::strstr(locale, "utf8") == nullptr);
}

void Say(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
  std::fflush(stream);
}

/// Lets through what comes not sooner than a pause after the last. Thread safe.
class Pace {
 public:
  explicit Pace(Duration pause) : pause_(pause) {}
  bool Due() {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now - last_ < pause_) return false;
    last_ = now;
    return true;
  }

 private:
  const Duration pause_;
  std::mutex mutex_;
  SteadyTime last_ = std::chrono::steady_clock::now();
};

/// One time-stamped line an event; nothing is ever redrawn.
class PlainView : public ResultView {
 public:
  void OnNote(const std::string& line) override { Line("       " + line); }
  void OnBytes(const std::string& what, std::uint64_t done, std::uint64_t total) override {
    if (bytes_.Due()) Line("       " + BytesText(what, done, total));
  }
  void OnChecks(const std::vector<Check>& checks) override {
    Say(stderr, ChecksText(checks, Ascii()));
  }
  void OnPlan(const PlanDocument& plan) override { Say(stderr, PlanText(plan)); }
  void OnProgress(const RunRecord& record) override {
    const std::string phase =
        record.timeline.empty() ? "Preflight" : PhaseName(record.timeline.back().phase);
    const std::string line = fmt::format("{:<10} {:<18} {}", phase, record.step, record.message);
    if (record.ending == Ending::kRunning && record.step != last_) Line(line);
    last_ = record.step;
  }
  void ShowResult(const SessionResult& result, RunMode mode) override {
    const char* command = "etcdrestore run -f <the same files>";
    Say(stdout, ResultText(result, mode, command));
  }

 protected:
  [[nodiscard]] double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  void Line(const std::string& text) const {
    Say(stderr, fmt::format("{:>6.1f}s {}\n", Elapsed(), text));
  }

  SteadyTime start_ = std::chrono::steady_clock::now();
  std::string last_;
  Pace bytes_{std::chrono::seconds(10)};
};

/// The plain lines, and below them one line redrawn in place each second: phase, elapsed, what is
/// waited for.
class TerminalView final : public PlainView {
 public:
  TerminalView() : ticker_([this](const std::stop_token& stop) { Tick(stop); }) {}
  void OnNote(const std::string& line) override {
    Above([&] { PlainView::OnNote(line); });
  }
  /// Drawn by the ticker: transfers tell of every few bytes.
  void OnBytes(const std::string& what, std::uint64_t done, std::uint64_t total) override {
    const std::lock_guard lock(mutex_);
    message_ = BytesText(what, done, total);
  }
  void OnChecks(const std::vector<Check>& checks) override {
    Above([&] { PlainView::OnChecks(checks); });
  }
  void OnPlan(const PlanDocument& plan) override {
    Above([&] { PlainView::OnPlan(plan); });
  }
  void OnProgress(const RunRecord& record) override {
    Above([&] {
      PlainView::OnProgress(record);
      const std::size_t phases = std::min<std::size_t>(6, record.timeline.size());
      bar_ = "[" + std::string(phases, '#') + std::string(6 - phases, '.') + "]";
      message_ = record.message;
      running_ = record.ending == Ending::kRunning;
    });
  }
  void ShowResult(const SessionResult& result, RunMode mode) override {
    running_ = false;
    Above([&] { PlainView::ShowResult(result, mode); });
  }

 private:
  template <typename Print>
  void Above(Print print) {
    const std::lock_guard lock(mutex_);
    if (drawn_) Say(stderr, "\r\033[K");
    drawn_ = false;
    print();
    Draw();
  }
  void Tick(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, stop, std::chrono::seconds(1),
                           [&stop] { return stop.stop_requested(); })) {
      if (drawn_) Say(stderr, "\r\033[K");
      Draw();
    }
  }
  void Draw() {
    if (!running_) return;
    std::string line = fmt::format("{} {:.0f}s {}", bar_, Elapsed(), message_);
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10;
    line.resize(std::min<std::size_t>(line.size(), known ? size.ws_col - 1U : 79U));
    Say(stderr, line);
    drawn_ = true;
  }

  std::mutex mutex_;  ///< guards what follows and the terminal
  std::condition_variable_any wake_;
  std::string bar_, message_;
  std::atomic<bool> running_ = false;
  bool drawn_ = false;
  std::jthread ticker_;  ///< last: it ends before what it draws
};

class JsonView final : public ResultView {
 public:
  void OnNote(const std::string& line) override { Emit("Note", {{"message", line}}); }
  void OnBytes(const std::string& what, std::uint64_t done, std::uint64_t total) override {
    if (bytes_.Due()) Emit("Bytes", {{"message", what}, {"done", done}, {"total", total}});
  }
  void OnChecks(const std::vector<Check>& checks) override {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Check& check : checks) {
      const bool bad = check.verdict == Verdict::kFailed || check.verdict == Verdict::kUnknown;
      list.push_back({{"node", check.node},
                      {"subject", check.subject},
                      {"ok", !bad},
                      {"seen", check.seen},
                      {"advice", check.advice}});
    }
    Emit("Checks", {{"checks", list}});
  }
  void OnPlan(const PlanDocument& plan) override {
    Emit("Plan", {{"hash", plan.hash},
                  {"strategy", plan.strategy},
                  {"reason", plan.reason},
                  {"summary", plan.summary},
                  {"destroys", plan.destroys},
                  {"keeps", plan.keeps},
                  {"loses", plan.loses},
                  {"approval", plan.approval_reason}});
  }
  void OnProgress(const RunRecord& record) override {
    if (record.ending != Ending::kRunning) return;
    Emit("Progress",
         {{"phase", record.timeline.empty() ? "Pending" : PhaseName(record.timeline.back().phase)},
          {"step", record.step},
          {"message", record.message}});
  }
  void ShowResult(const SessionResult& result, RunMode /*mode*/) override {
    Emit("Result", ResultJson(result));
  }

 private:
  static void Emit(const char* type, const nlohmann::ordered_json& body) {
    nlohmann::ordered_json event = {
        {"apiVersion", "etcdrestore.io/v1alpha1"}, {"kind", "RunEvent"}, {"type", type}};
    event.update(body);
    Say(stdout, JsonText(event) + "\n");
  }

  Pace bytes_{std::chrono::seconds(1)};
};

}  // namespace

std::unique_ptr<ResultView> MakeView(ViewKind kind) {
  switch (kind) {
    case ViewKind::kPlain:
      return std::make_unique<PlainView>();
    case ViewKind::kTerminal:
      return std::make_unique<TerminalView>();
    case ViewKind::kJson:
      return std::make_unique<JsonView>();
  }
  return nullptr;
}

ViewKind DefaultView() {
  const char* terminal = std::getenv("TERM");
  const bool dumb =
      terminal == nullptr || std::strcmp(terminal, "dumb") == 0 || std::getenv("CI") != nullptr;
  return ::isatty(STDERR_FILENO) != 0 && !dumb ? ViewKind::kTerminal : ViewKind::kPlain;
}

}  // namespace etcdrestore
