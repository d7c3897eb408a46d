#include "operator/adapters/metrics/http_question.h"

#include <algorithm>

namespace etcdrestore {
namespace {

bool SameWord(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The next line, taken off the text.
std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return line;
}

std::string_view BearerOf(std::string_view headers) {
  for (std::string_view line = TakeLine(headers); !line.empty(); line = TakeLine(headers)) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    if (!SameWord(line.substr(0, colon), "authorization")) continue;
    const std::string_view value = Trimmed(line.substr(std::min(colon + 1, line.size())));
    const std::size_t space = std::min(value.find(' '), value.size());
    return SameWord(value.substr(0, space), "bearer") ? Trimmed(value.substr(space)) : "";
  }
  return "";
}

}  // namespace

std::optional<HttpQuestion> ParseQuestion(std::string_view head) {
  const std::string_view line = TakeLine(head);
  const std::size_t start = line.find(' ');
  const std::size_t end = line.rfind(' ');
  if (!line.starts_with("GET ") || end <= start) return std::nullopt;
  const std::string_view target = line.substr(start + 1, end - start - 1);
  const std::size_t question = std::min(target.find('?'), target.size());
  return HttpQuestion{std::string(target.substr(0, question)),
                      std::string(target.substr(std::min(question + 1, target.size()))),
                      Secret(std::string(BearerOf(head)))};
}

}  // namespace etcdrestore
