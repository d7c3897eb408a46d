#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace etcdrestore {

/// "string", "integer", "number", "boolean", "object", "array" or "null".
std::string JsonTypeName(const nlohmann::ordered_json& value);

/// What the schema's enum, pattern, format, lengths and range have against a value of the right
/// type, in the API server's words without the path in front. `path` is named inside some of them.
std::vector<std::string> CheckScalar(const nlohmann::ordered_json& value,
                                     const nlohmann::ordered_json& schema, const std::string& path);

/// True when a part of the text matches, as the API server does it: patterns carry their own ^ and
/// $. Only what RE2 and ECMAScript share may stand in a pattern. False for text over 4 KiB.
bool MatchesPattern(const std::string& text, const std::string& pattern);

/// A string as Go's %q shows it, shortened for messages.
std::string Quoted(const std::string& text);

}  // namespace etcdrestore
