#include "operator/kubernetes/json_log.h"

#include <mutex>

#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

class JsonLogger final : public Logger {
 public:
  JsonLogger(std::FILE* stream, LogLevel least, const Clock& clock)
      : stream_(stream), least_(least), clock_(clock) {}

  void Write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level < least_) return;
    nlohmann::ordered_json line = {
        {"ts", FormatTime(clock_.Now())}, {"level", NameOf(level)}, {"msg", message}};
    for (const auto& [key, value] : fields) line[key] = value;
    const std::string text = JsonText(line) + "\n";
    const std::lock_guard lock(mutex_);
    std::fputs(text.c_str(), stream_);
    std::fflush(stream_);
  }

 private:
  std::FILE* stream_;
  LogLevel least_;
  const Clock& clock_;
  std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Logger> MakeJsonLogger(std::FILE* stream, LogLevel least, const Clock& clock) {
  return std::make_unique<JsonLogger>(stream, least, clock);
}

}  // namespace etcdrestore
