#pragma once

#include "operator/kubernetes/operator_log.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace etcdrestore {

/// Adds what people know from operators on Go's zap: --zap-devel, --zap-encoder, --zap-log-level,
/// --zap-time-encoding, --zap-stacktrace-level; and --verbose.
void AddLogFlags(CLI::App& command, LogOptions& log);

}  // namespace etcdrestore
