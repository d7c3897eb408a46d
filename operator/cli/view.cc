#include "operator/cli/view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "operator/cli/text.h"

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

/// One time-stamped line an event; nothing is ever redrawn.
class PlainView : public ResultView {
 public:
  void OnNote(const std::string& line) override { Line("       " + line); }
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
  virtual void Line(const std::string& text) {
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    Say(stderr, fmt::format("{:>6.1f}s {}\n", elapsed, text));
  }
  SteadyTime start_ = std::chrono::steady_clock::now();

 private:
  std::string last_;
};

/// The plain lines, and below them one line redrawn in place: phase, step, what is waited for,
/// elapsed.
class TerminalView final : public PlainView {
 public:
  void OnChecks(const std::vector<Check>& checks) override { Clear(), PlainView::OnChecks(checks); }
  void OnPlan(const PlanDocument& plan) override { Clear(), PlainView::OnPlan(plan); }
  void OnProgress(const RunRecord& record) override {
    Clear();
    PlainView::OnProgress(record);
    if (record.ending != Ending::kRunning) return;
    const std::size_t phases = record.timeline.size();
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::string line = fmt::format("[{}{}] {:.0f}s {}", std::string(phases, '#'),
                                   std::string(6 - std::min<std::size_t>(6, phases), '.'), elapsed,
                                   record.message);
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10;
    line.resize(std::min<std::size_t>(line.size(), known ? size.ws_col - 1U : 79U));
    Say(stderr, line);
    drawn_ = true;
  }
  void ShowResult(const SessionResult& result, RunMode mode) override {
    Clear(), PlainView::ShowResult(result, mode);
  }

 private:
  void Line(const std::string& text) override { Clear(), PlainView::Line(text); }
  void Clear() {
    if (drawn_) Say(stderr, "\r\033[K");
    drawn_ = false;
  }
  bool drawn_ = false;
};

class JsonView final : public ResultView {
 public:
  void OnNote(const std::string& line) override { Emit("Note", {{"message", line}}); }
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
  static void Emit(const char* type, nlohmann::ordered_json body) {
    nlohmann::ordered_json event = {
        {"apiVersion", "etcdrestore.io/v1alpha1"}, {"kind", "RunEvent"}, {"type", type}};
    event.update(body);
    Say(stdout, event.dump() + "\n");
  }
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
