#pragma once

#include <optional>
#include <string_view>

#include "operator/base/clock.h"

namespace etcdrestore {

/// Reads the one date form that HTTP servers may send, "Sun, 22 Nov 2026 03:00:00 GMT" (RFC 9110
/// IMF-fixdate); nullopt for anything else. The name of the day is not checked.
std::optional<SystemTime> ParseHttpDate(std::string_view text);

}  // namespace etcdrestore
