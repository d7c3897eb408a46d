#include "operator/adapters/yaml/yaml_text.h"

#include <cstdint>

namespace etcdrestore {
namespace {

std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// Length of the UTF-8 sequence at the front of `text`, 0 when it is not one.
std::size_t Utf8Length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool surrogate = lead == 0xED && at(1) > 0x9F;
  const bool beyond = lead == 0xF4 && at(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

std::optional<TextFault> FindBadByte(std::string_view line, int number) {
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = Utf8Length(line.substr(i));
    const int column = static_cast<int>(i) + 1;
    if (length == 0) return TextFault{number, column, "not UTF-8 text: is this a YAML file?"};
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return TextFault{number, column, "control character: is this a YAML file?"};
    }
    i += length;
  }
  return std::nullopt;
}

/// Column of the node that a line's first words belong to: "- - key: |" has its key at 4.
std::size_t ContentColumn(std::string_view line) {
  std::size_t column = line.find_first_not_of(' ');
  while (column != std::string_view::npos && column + 1 < line.size() && line[column] == '-' &&
         line[column + 1] == ' ') {
    const std::size_t next = line.find_first_not_of(' ', column + 1);
    if (next == std::string_view::npos || line[next] == '|' || line[next] == '>') break;
    column = next;
  }
  return column == std::string_view::npos ? 0 : column;
}

/// True when the line ends with the header of a block scalar: |, >-, |2+ and so on.
bool OpensBlockScalar(std::string_view line) {
  if (const std::size_t comment = line.find(" #"); comment != std::string_view::npos) {
    line = line.substr(0, comment);
  }
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  const std::size_t last = line.find_last_not_of("+-123456789");
  if (last == std::string_view::npos || (line[last] != '|' && line[last] != '>')) return false;
  return line.size() - last <= 3 && (last == 0 || line[last - 1] == ' ');
}

}  // namespace

std::optional<TextFault> FindTextFault(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t block = kNone;  // lines indented deeper than this are a scalar's content
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    if (auto bad = FindBadByte(line, number)) return bad;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    const std::size_t indent = line.find_first_not_of(' ');
    if (block != kNone && indent > block) continue;
    block = kNone;
    if (indent < first && line[first] != '#') {
      return TextFault{number, static_cast<int>(indent) + 1,
                       "tab in the indentation: YAML wants spaces there"};
    }
    if (OpensBlockScalar(line)) block = ContentColumn(line);
  }
  return std::nullopt;
}

std::vector<int> SeparatorLines(std::string_view text) {
  std::vector<int> lines;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    const std::string_view start = line.substr(0, 3);
    if ((start == "---" || start == "...") && (line.size() == 3 || line[3] == ' ')) {
      lines.push_back(number);
    }
  }
  return lines;
}

}  // namespace etcdrestore
