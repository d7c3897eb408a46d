#include "operator/kubernetes/operator_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "operator/ports/json_text.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

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

Json Encoded(SystemTime time, LogTime encoding) {
  const std::chrono::duration<double> since = time.time_since_epoch();
  switch (encoding) {
    case LogTime::kEpoch:
      return since.count();
    case LogTime::kMillis:
      return since.count() * 1000;
    case LogTime::kNanos:
      return std::chrono::nanoseconds(time.time_since_epoch()).count();
    case LogTime::kIso8601:
      return FormatTime(time, 3);
    case LogTime::kRfc3339:
      return FormatTime(time);
    case LogTime::kRfc3339Nano:
      return FormatTime(time, 9);
  }
  return nullptr;
}

std::string ConsoleLine(const Json& time, LogLevel level, std::string_view message,
                        const Json& fields) {
  std::string name = NameOf(level);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  const std::string ts = time.is_string() ? time.get<std::string>() : time.dump();
  const std::string line = fmt::format("{}\t{}\t{}", ts, name, message);
  return fields.empty() ? line : line + "\t" + JsonText(fields);
}

class OperatorLogger final : public Logger {
 public:
  OperatorLogger(std::FILE* stream, const LogOptions& options, const Clock& clock)
      : stream_(stream), options_(options), clock_(clock) {}

  void Write(LogLevel level, std::string_view message, const LogFields& fields) override {
    if (level < options_.least) return;
    const std::string text = Line(level, message, fields) + "\n";
    const std::lock_guard lock(mutex_);
    std::fputs(text.c_str(), stream_);
    std::fflush(stream_);
  }

 private:
  [[nodiscard]] std::string Line(LogLevel level, std::string_view message,
                                 const LogFields& fields) const {
    const Json time = Encoded(clock_.Now(), options_.time);
    const bool console = options_.encoder == LogEncoder::kConsole;
    Json line = Json::object();
    if (!console) line = {{"ts", time}, {"level", NameOf(level)}, {"msg", message}};
    for (const auto& [key, value] : fields) line[key] = value;
    return console ? ConsoleLine(time, level, message, line) : JsonText(line);
  }

  std::FILE* stream_;
  const LogOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
};

}  // namespace

std::optional<LogTime> LogTimeOf(std::string_view name) {
  using enum LogTime;
  static constexpr std::array<std::pair<std::string_view, LogTime>, 7> kNames = {
      {{"epoch", kEpoch},
       {"millis", kMillis},
       {"nano", kNanos},
       {"nanos", kNanos},
       {"iso8601", kIso8601},
       {"rfc3339", kRfc3339},
       {"rfc3339nano", kRfc3339Nano}}};
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [&](const auto& one) { return one.first == name; });
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

std::unique_ptr<Logger> MakeOperatorLogger(std::FILE* stream, const LogOptions& options,
                                           const Clock& clock) {
  return std::make_unique<OperatorLogger>(stream, options, clock);
}

}  // namespace etcdrestore
