#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/clock.h"
#include "operator/base/log.h"

namespace etcdrestore {

enum class LogEncoder {
  kJson,     ///< one object a line: ts, level, msg, then the fields
  kConsole,  ///< time, level, message and the fields as an object, between tabs
};
/// Of `ts`, as zap names them; those up to kNanos are numbers since 1970.
enum class LogTime { kEpoch, kMillis, kNanos, kIso8601, kRfc3339, kRfc3339Nano };

struct LogOptions {
  LogLevel least = LogLevel::kInfo;
  LogEncoder encoder = LogEncoder::kJson;
  LogTime time = LogTime::kRfc3339;
};

/// The encoding that zap's flag calls so; nullopt for no name. Pure.
std::optional<LogTime> LogTimeOf(std::string_view name);

/// `stream` is borrowed.
std::unique_ptr<Logger> MakeOperatorLogger(std::FILE* stream, const LogOptions& options,
                                           const Clock& clock);

}  // namespace etcdrestore
