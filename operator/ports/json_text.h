#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace etcdrestore {

/// `json` as text, on one line where `indent` is -1. Never throws: what is no UTF-8, as when a
/// node's message was cut in the middle of a character, becomes U+FFFD.
inline std::string JsonText(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace etcdrestore
