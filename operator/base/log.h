#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etcdrestore {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogFields = std::vector<std::pair<std::string, std::string>>;

/// A constant message (capital first, no full stop) with lowerCamelCase key-values. Secret has no
/// way in: values are plain strings. Thread safe.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Write(LogLevel level, std::string_view message, const LogFields& fields) = 0;

  void Debug(std::string_view message, const LogFields& fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, const LogFields& fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, const LogFields& fields = {}) {
    Write(LogLevel::kWarning, message, fields);
  }
};

/// Drops everything; for tests and for callers that do not care.
Logger& NullLogger();

}  // namespace etcdrestore
