#include "operator/cli/zap_flags.h"

#include <CLI/CLI.hpp>

namespace etcdrestore {
namespace {

/// Levels as zap names them; a number is the more the higher.
LogLevel LevelOf(const std::string& name) {
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarning;
  if (name == "error" || name == "panic") return LogLevel::kError;
  const bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos &&
                      name.find_first_not_of('0') != std::string::npos;
  if (name == "debug" || number) return LogLevel::kDebug;
  throw CLI::ValidationError("--zap-log-level",
                             name + " is none of debug, info, warn, error, panic, 1, 2, ...");
}

LogEncoder EncoderOf(const std::string& name) {
  if (name == "json") return LogEncoder::kJson;
  if (name == "console") return LogEncoder::kConsole;
  throw CLI::ValidationError("--zap-encoder", name + " is neither json nor console");
}

LogTime TimeOf(const std::string& name) {
  const auto time = LogTimeOf(name);
  if (time) return *time;
  throw CLI::ValidationError(
      "--zap-time-encoding",
      name + " is none of epoch, millis, nano, iso8601, rfc3339, rfc3339nano");
}

void AddLevel(CLI::App& command, LogLevel& level) {
  CLI::Option* zap = command.add_option_function<std::string>(
      "--zap-log-level", [&level](const std::string& name) { level = LevelOf(name); },
      "debug, info, warn or error (default: info)");
  command
      .add_flag_callback(
          "--verbose", [&level] { level = LogLevel::kDebug; }, "log debug lines too")
      ->excludes(zap);
}

}  // namespace

void AddLogFlags(CLI::App& command, LogOptions& log) {
  // Flags take effect in the order in which they are added: what the next ones say stands.
  command.add_flag_function(
      "--zap-devel",
      [&log](std::int64_t count) {
        if (count > 0) log = {LogLevel::kDebug, LogEncoder::kConsole, log.time};
      },
      "the same as --zap-encoder=console --zap-log-level=debug, where those are not given");
  command.add_option_function<std::string>(
      "--zap-encoder", [&log](const std::string& name) { log.encoder = EncoderOf(name); },
      "json or console (default: json)");
  AddLevel(command, log.least);
  command.add_option_function<std::string>(
      "--zap-time-encoding", [&log](const std::string& name) { log.time = TimeOf(name); },
      "epoch, millis, nano, iso8601, rfc3339 or rfc3339nano (default: rfc3339)");
  command.add_option_function<std::string>(
      "--zap-stacktrace-level", [](const std::string&) {},
      "taken and does nothing: no stack traces are logged");
}

}  // namespace etcdrestore
