#include "operator/adapters/http/url.h"

#include <algorithm>
#include <charconv>

namespace etcdrestore {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool Unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Error Unusable(std::string_view text, const std::string& why) {
  return Terminal("BadRequest", "the URL " + RedactUrl(text) + " cannot be used: " + why);
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Splits "host", "host:port", "[v6]:port"; false when the port is not one.
bool SplitAuthority(std::string_view authority, Url& url) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = Lower(authority.substr(0, colon));
  if (colon == std::string_view::npos) return true;
  const std::string_view digits = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
  return error == std::errc() && end == digits.data() + digits.size() && url.port > 0 &&
         url.port < 65536;
}

}  // namespace

std::string Url::Authority() const {
  const int usual = scheme == "https" ? 443 : 80;
  return port == 0 || port == usual ? host : host + ":" + std::to_string(port);
}

Result<Url> ParseUrl(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return Unusable(text, "it does not start with https://");
  Url url;
  url.scheme = Lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https")
    return Unusable(text, "only http and https are spoken");
  if (std::any_of(text.begin(), text.end(), [](char c) { return c > 0 && c <= ' '; }))
    return Unusable(text, "it contains spaces or control characters: write them as %20");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  rest = rest.substr(0, question);
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) url.path = rest.substr(slash);
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos)
    return Unusable(text, "it carries a user name; give credentials separately");
  if (!SplitAuthority(authority, url)) return Unusable(text, "its port is not a number");
  if (url.host.empty()) return Unusable(text, "it names no host");
  return url;
}

std::string RedactUrl(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", start), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  std::string out(text.substr(0, start));
  const std::size_t from = at == std::string_view::npos || at < start ? start : at + 1;
  const std::size_t cut = text.find_first_of("?#", from);
  out += text.substr(from, cut == std::string_view::npos ? cut : cut - from);
  if (cut != std::string_view::npos) out += "?…";
  return out;
}

std::string UriEncode(std::string_view bytes, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(bytes.size() + 16);
  for (const char c : bytes) {
    if (Unreserved(c) || (c == '/' && keep_slash)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

std::optional<std::string> UriDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace etcdrestore
