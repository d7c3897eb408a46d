#include "crds/scalar_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <regex>

#include "operator/base/clock.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

/// std::regex recurses once a character; longer text than any pattern of ours allows is not tried.
constexpr std::size_t kMaxMatched = 4096;

std::size_t Characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

void CheckString(const std::string& text, const Json& schema, const std::string& path,
                 std::vector<std::string>& faults) {
  const std::size_t length = Characters(text);
  if (schema.contains("maxLength") && length > schema["maxLength"].get<std::size_t>()) {
    faults.push_back(fmt::format("Too long: may not be more than {} bytes",
                                 schema["maxLength"].get<std::size_t>()));
    return;
  }
  const std::string value = "Invalid value: " + Quoted(text) + ": " + path + " in body ";
  if (schema.contains("minLength") && length < schema["minLength"].get<std::size_t>()) {
    faults.push_back(fmt::format("{}should be at least {} chars long", value,
                                 schema["minLength"].get<std::size_t>()));
  } else if (schema.contains("pattern") &&
             !MatchesPattern(text, schema["pattern"].get_ref<const std::string&>())) {
    faults.push_back(
        fmt::format("{}should match '{}'", value, schema["pattern"].get_ref<const std::string&>()));
  } else if (schema.value("format", "") == "date-time" && !ParseTime(text)) {
    faults.push_back(fmt::format("{}must be of type date-time: {}", value, Quoted(text)));
  }
}

void CheckEnum(const Json& value, const Json& schema, std::vector<std::string>& faults) {
  const Json& allowed = schema["enum"];
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  std::string list;
  for (const Json& one : allowed) list += (list.empty() ? "" : ", ") + one.dump();
  faults.push_back(fmt::format("Unsupported value: {}: supported values: {}",
                               value.is_string() ? Quoted(value.get<std::string>()) : value.dump(),
                               list));
}

}  // namespace

bool MatchesPattern(const std::string& text, const std::string& pattern) {
  if (text.size() > kMaxMatched) return false;
  // Compiling one takes milliseconds. Patterns are the schema's: there are few.
  static std::mutex mutex;
  static std::map<std::string, const std::regex> compiled;
  const std::lock_guard lock(mutex);
  const auto known = compiled.try_emplace(pattern, pattern, std::regex::ECMAScript).first;
  return std::regex_search(text, known->second);
}

std::string JsonTypeName(const Json& value) {
  if (value.is_number_integer()) return "integer";
  return value.type_name();
}

std::string Quoted(const std::string& text) {
  constexpr std::size_t kShown = 120;
  const bool whole = text.size() <= kShown;
  return Json(whole ? text : text.substr(0, kShown) + "...")
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> CheckScalar(const Json& value, const Json& schema,
                                     const std::string& path) {
  std::vector<std::string> faults;
  if (value.is_string()) CheckString(value.get_ref<const std::string&>(), schema, path, faults);
  if (value.is_number()) {
    const std::string invalid = fmt::format("Invalid value: {}: {} in body ", value.dump(), path);
    if (schema.contains("minimum") && value < schema["minimum"]) {
      faults.push_back(invalid + "should be greater than or equal to " + schema["minimum"].dump());
    }
    if (schema.contains("maximum") && value > schema["maximum"]) {
      faults.push_back(invalid + "should be less than or equal to " + schema["maximum"].dump());
    }
  }
  if (schema.contains("enum")) CheckEnum(value, schema, faults);
  return faults;
}

}  // namespace etcdrestore
