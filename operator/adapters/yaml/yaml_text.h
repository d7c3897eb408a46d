#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrestore {

/// Something wrong with the text itself, found before or beside the YAML parser. Lines and columns
/// count from 1.
struct TextFault {
  int line = 1;
  int column = 1;
  std::string what;
};

/// The first thing that no YAML text may hold: bytes that are not UTF-8, control characters, a tab
/// in front of the first word of a line outside a block scalar (inside one it is content).
std::optional<TextFault> FindTextFault(std::string_view text);

/// Lines (from 1) that begin with the document separator --- or ... .
std::vector<int> SeparatorLines(std::string_view text);

}  // namespace etcdrestore
