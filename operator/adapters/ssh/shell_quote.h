#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"

namespace etcdrestore {

/// One line that a POSIX shell reads back as exactly these arguments. The only code of the project
/// that makes shell text. Error InvalidCommand: no arguments, an argument with a NUL byte (which no
/// program can be given), or a line above kMaxShellLine.
Result<std::string> ShellQuote(const std::vector<std::string>& argv);

/// Longest line, in bytes: what surely fits one SSH request (RFC 4253 section 6.1).
inline constexpr std::size_t kMaxShellLine = 30000;

}  // namespace etcdrestore
