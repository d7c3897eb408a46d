#include "operator/adapters/yaml/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace etcdrestore {
namespace {

constexpr std::string_view kDigits = "0123456789";

template <std::size_t N>
bool OneOf(const std::string& text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// YAML allows lower, Capital and UPPER case of its words, nothing in between.
bool IsWord(const std::string& text, std::string_view lower) {
  if (text.size() != lower.size() || text.empty()) return false;
  std::string upper(lower);
  for (char& letter : upper) letter = static_cast<char>(std::toupper(letter));
  std::string capital(lower);
  capital[0] = upper[0];
  return text == lower || text == upper || text == capital;
}

bool IsAnyWord(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return IsWord(text, word); });
}

std::string_view WithoutSign(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return text;
}

bool Only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

/// [digits or _][. digits or _][e sign digits] with at least one digit before the exponent.
bool LooksLikeDecimal(std::string_view text) {
  text = WithoutSign(text);
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    if (!Only(WithoutSign(text.substr(exponent + 1)), kDigits)) return false;
    text = text.substr(0, exponent);
  }
  const bool starts =
      !text.empty() &&
      (kDigits.find(text.front()) != std::string_view::npos ||
       (text.front() == '.' && text.size() > 1 && text[1] != '.' && text[1] != '_'));
  return starts && Only(text, "0123456789_.") && std::count(text.begin(), text.end(), '.') <= 1;
}

bool LooksLikeOtherBase(std::string_view text) {
  text = WithoutSign(text);
  if (text.size() < 3 || text[0] != '0') return false;
  const std::string_view rest = text.substr(2);
  switch (text[1]) {
    case 'x':
    case 'X':
      return Only(rest, "0123456789abcdefABCDEF_");
    case 'o':
    case 'O':
      return Only(rest, "01234567_");
    case 'b':
    case 'B':
      return Only(rest, "01_");
    default:
      return false;
  }
}

/// 1:30, 190:20:30.15: digits, then groups of at most two digits.
bool LooksLikeSexagesimal(std::string_view text) {
  text = WithoutSign(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !Only(text.substr(0, colon), "0123456789_")) return false;
  return Only(text.substr(colon + 1), "0123456789:.") && text.back() != ':';
}

PlainKind ClassifyDecimal(const std::string& text) {
  const std::string_view body = text[0] == '-' ? std::string_view(text).substr(1) : text;
  if (text.find('_') != std::string::npos) return PlainKind::kForeignNumber;
  if (Only(body, kDigits)) {
    if (body.size() > 1 && body[0] == '0') return PlainKind::kForeignNumber;
    errno = 0;
    std::strtoll(text.c_str(), nullptr, 10);
    if (errno == ERANGE) return PlainKind::kForeignNumber;
    return text == "-0" ? PlainKind::kDecimal : PlainKind::kInteger;
  }
  const double number = std::strtod(text.c_str(), nullptr);
  const bool canonical = Only(body, "0123456789.") && nlohmann::json(number).dump() == text;
  return canonical ? PlainKind::kFloat : PlainKind::kDecimal;
}

}  // namespace

PlainKind ClassifyPlain(const std::string& text) {
  if (text.empty() || text == "~" || IsWord(text, "null")) return PlainKind::kNull;
  if (IsAnyWord(text, {"true", "false"})) return PlainKind::kBool;
  if (IsAnyWord(text, {"yes", "no", "on", "off", "y", "n"})) return PlainKind::kOldBool;
  const std::string unsigned_text(WithoutSign(text));
  if (IsAnyWord(unsigned_text, {".inf"}) ||
      OneOf(text, std::to_array<std::string_view>({".nan", ".NaN", ".NAN", ".Inf", "-.Inf"}))) {
    return PlainKind::kForeignNumber;
  }
  if (LooksLikeOtherBase(text)) return PlainKind::kForeignNumber;
  if (LooksLikeDecimal(text)) return ClassifyDecimal(text);
  if (LooksLikeSexagesimal(text)) return PlainKind::kSexagesimal;
  return PlainKind::kText;
}

nlohmann::ordered_json PlainValue(PlainKind kind, const std::string& text) {
  switch (kind) {
    case PlainKind::kNull:
      return nullptr;
    case PlainKind::kBool:
      return text[0] == 't' || text[0] == 'T';
    case PlainKind::kOldBool:
      return text[0] == 'y' || text[0] == 'Y' || text == "on" || text == "On" || text == "ON";
    case PlainKind::kInteger:
      return static_cast<std::int64_t>(std::strtoll(text.c_str(), nullptr, 10));
    case PlainKind::kFloat:
      return std::strtod(text.c_str(), nullptr);
    case PlainKind::kText:
    case PlainKind::kDecimal:
    case PlainKind::kForeignNumber:
    case PlainKind::kSexagesimal:
      break;
  }
  return text;
}

}  // namespace etcdrestore
