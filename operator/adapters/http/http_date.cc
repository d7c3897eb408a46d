#include "operator/adapters/http/http_date.h"

#include <string>

namespace etcdrestore {

std::optional<SystemTime> ParseHttpDate(std::string_view text) {
  // Sun, 22 Nov 2026 03:00:00 GMT: the fields lie at fixed places; rebuilt as RFC 3339.
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ') {
    return std::nullopt;
  }
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t at = kMonths.find(text.substr(8, 3));
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  const std::size_t month = at / 3 + 1;
  return ParseTime(std::string(text.substr(12, 4)) + (month < 10 ? "-0" : "-") +
                   std::to_string(month) + "-" + std::string(text.substr(5, 2)) + "T" +
                   std::string(text.substr(17, 8)) + "Z");
}

}  // namespace etcdrestore
