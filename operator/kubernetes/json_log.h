#pragma once

#include <cstdio>
#include <memory>

#include "operator/base/clock.h"
#include "operator/base/log.h"

namespace etcdrestore {

/// One JSON object a line: ts, level, msg, then the fields. `stream` is borrowed.
std::unique_ptr<Logger> MakeJsonLogger(std::FILE* stream, LogLevel least, const Clock& clock);

}  // namespace etcdrestore
