#include "operator/adapters/yaml/yaml_emitter.h"

#include <fmt/format.h>

#include <string_view>

#include "operator/adapters/yaml/yaml_scalar.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Never special inside a plain scalar in block context; a colon only before a space or at the end.
constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+=:,-";

/// Plain only when it starts with a letter or a slash: nothing of that shape is a number, a date or
/// an indicator to any reader; the few words among them are known to ClassifyPlain.
bool SafePlain(const std::string& text) {
  if (text.empty() || (kLetters.find(text[0]) == std::string_view::npos && text[0] != '/')) {
    return false;
  }
  return text.find_first_not_of(kPlain) == std::string::npos && text.back() != ':' &&
         ClassifyPlain(text) == PlainKind::kText;
}

/// Line breaks that only YAML 1.1 knows (NEL, LS, PS) and the byte order mark, by their UTF-8
/// bytes.
std::string_view EscapeOf(std::string_view rest) {
  if (rest.substr(0, 2) == "\xC2\x85") return "\\x85";
  if (rest.substr(0, 3) == "\xE2\x80\xA8") return "\\u2028";
  if (rest.substr(0, 3) == "\xE2\x80\xA9") return "\\u2029";
  if (rest.substr(0, 3) == "\xEF\xBB\xBF") return "\\uFEFF";
  return {};
}

std::string DoubleQuoted(const std::string& text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view escape = EscapeOf(std::string_view(text).substr(i));
    if (!escape.empty()) {
      out += escape;
      i += byte == 0xC2 ? 1 : 2;
    } else if (byte == '"' || byte == '\\') {
      out += {'\\', text[i]};
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

/// A literal block keeps every byte only if no line break but \n is in it, it does not begin with
/// white space (which would need an indentation indicator) and at most one newline ends it.
bool FitsLiteral(const std::string& text) {
  const std::size_t newline = text.find('\n');
  if (newline == std::string::npos || newline == 0 || text[0] == ' ' || text[0] == '\t') {
    return false;
  }
  if (text.size() > 1 && text.back() == '\n' && text[text.size() - 2] == '\n') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) return false;
    if (!EscapeOf(std::string_view(text).substr(i)).empty()) return false;
    const bool line_end = i + 1 == text.size() || text[i + 1] == '\n';
    // A last line of blanks could be taken for the block's end.
    if (line_end && (byte == ' ' || byte == '\t')) return false;
  }
  return true;
}

void AppendLiteral(std::string& out, const std::string& text, std::size_t indent) {
  const bool ends_in_newline = text.back() == '\n';
  out += ends_in_newline ? "|\n" : "|-\n";
  std::string_view rest = text;
  if (ends_in_newline) rest.remove_suffix(1);
  while (true) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!line.empty()) out.append(indent, ' ').append(line);
    out += '\n';
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

std::string Scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  return SafePlain(text) ? text : DoubleQuoted(text);
}

void Append(std::string& out, const Json& value, std::size_t indent, bool at_line_start);

/// What follows "key:" or "-": on the same line when it is a scalar, below it otherwise.
void AppendValue(std::string& out, const Json& value, std::size_t indent, bool in_list) {
  const bool nested = value.is_structured() && !value.empty();
  if (nested && in_list) {
    out += ' ';
    return Append(out, value, indent, false);
  }
  if (nested) {
    out += '\n';
    return Append(out, value, indent, true);
  }
  out += ' ';
  if (value.is_string() && FitsLiteral(value.get_ref<const std::string&>())) {
    return AppendLiteral(out, value.get_ref<const std::string&>(), indent);
  }
  out += (value.is_structured() ? value.dump() : Scalar(value)) + "\n";
}

void Append(std::string& out, const Json& value, std::size_t indent, bool at_line_start) {
  for (const auto& [key, item] : value.items()) {
    if (at_line_start) out.append(indent, ' ');
    at_line_start = true;
    out += value.is_array() ? "-" : Scalar(Json(key)) + ":";
    AppendValue(out, item, indent + 2, value.is_array());
  }
}

}  // namespace

std::string EmitYaml(const nlohmann::ordered_json& value) {
  if (!value.is_structured() || value.empty()) {
    return (value.is_structured() ? value.dump() : Scalar(value)) + "\n";
  }
  std::string out;
  Append(out, value, 0, true);
  return out;
}

}  // namespace etcdrestore
