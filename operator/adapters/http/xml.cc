#include "operator/adapters/http/xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace etcdrestore {
namespace {

constexpr std::size_t kDeepest = 16;
constexpr std::string_view kSpace = " \t\r\n";

Error Bad(const std::string& what) { return Terminal("BadXml", "not the XML of S3: " + what); }

bool NameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

void AppendUtf8(std::string& out, unsigned code) {
  const auto tail = [&out](unsigned bits) { out += static_cast<char>(0x80U | (bits & 0x3FU)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    tail(code);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12U));
    tail(code >> 6U);
    tail(code);
  } else {
    out += static_cast<char>(0xF0U | (code >> 18U));
    tail(code >> 12U);
    tail(code >> 6U);
    tail(code);
  }
}

/// "#10" or "#x3A"; false when it is no character.
bool AppendReference(std::string& out, std::string_view digits) {
  const int base = digits.starts_with('x') ? 16 : 10;
  if (base == 16) digits.remove_prefix(1);
  unsigned code = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  if (error != std::errc() || end != digits.data() + digits.size() || code == 0 ||
      code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return false;
  }
  AppendUtf8(out, code);
  return true;
}

Result<std::string> Decode(std::string_view raw) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kNamed = {
      {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const std::size_t mark = raw.find('&');
    out += raw.substr(0, mark);
    if (mark == std::string_view::npos) break;
    raw.remove_prefix(mark + 1);
    const std::size_t end = raw.find(';');
    if (end > 10) return Bad("an entity without an end");
    const std::string_view name = raw.substr(0, end);
    raw.remove_prefix(end + 1);
    const auto* known = std::find_if(kNamed.begin(), kNamed.end(),
                                     [name](const auto& entry) { return entry.first == name; });
    if (known != kNamed.end()) {
      out += known->second;
    } else if (!name.starts_with('#') || !AppendReference(out, name.substr(1))) {
      return Bad("unknown entity &" + std::string(name) + ";");
    }
  }
  return out;
}

bool Blank(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

}  // namespace

bool XmlReader::SkipPast(std::string_view mark) {
  const std::size_t at = rest_.find(mark);
  if (at == std::string_view::npos) return false;
  rest_.remove_prefix(at + mark.size());
  return true;
}

Result<std::string> XmlReader::TakeName() {
  const auto* end = std::find_if_not(rest_.begin(), rest_.end(), NameChar);
  const auto length = static_cast<std::size_t>(end - rest_.begin());
  if (length == 0 || length > 100) return Bad("a tag without a name");
  std::string name(rest_.substr(0, length));
  rest_.remove_prefix(length);
  return name;
}

Result<XmlEvent> XmlReader::Start() {
  if (open_.empty() && root_seen_) return Bad("a second root element");
  if (open_.size() >= kDeepest) return Bad("too many levels");
  Result<std::string> name = TakeName();
  if (!name) return name.error();
  while (true) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    empty_element_ = rest_.starts_with("/>");
    if (empty_element_ || rest_.starts_with('>')) break;
    if (Result<std::string> attribute = TakeName(); !attribute) return attribute.error();
    const bool equals = rest_.starts_with("=\"") || rest_.starts_with("='");
    if (!equals) return Bad("an attribute without a quoted value");
    const std::string_view quote = rest_.substr(1, 1);
    rest_.remove_prefix(2);
    if (!SkipPast(quote)) return Bad("an attribute without an end");
  }
  rest_.remove_prefix(empty_element_ ? 2 : 1);
  root_seen_ = true;
  open_.push_back(*name);
  return XmlEvent{XmlEvent::Kind::kStart, *name, ""};
}

Result<XmlEvent> XmlReader::End() {
  if (!empty_element_) {
    Result<std::string> name = TakeName();
    if (!name) return name.error();
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    if (!rest_.starts_with('>') || open_.empty() || open_.back() != *name)
      return Bad("</" + *name + "> closes nothing");
    rest_.remove_prefix(1);
  }
  empty_element_ = false;
  XmlEvent event{XmlEvent::Kind::kEnd, open_.back(), ""};
  open_.pop_back();
  return event;
}

Result<XmlEvent> XmlReader::Text() {
  const std::string_view raw = rest_.substr(0, rest_.find('<'));
  rest_.remove_prefix(raw.size());
  if (open_.empty() && !Blank(raw)) return Bad("text outside of the root element");
  Result<std::string> text = Decode(raw);
  if (!text) return text.error();
  return XmlEvent{XmlEvent::Kind::kText, "", std::move(*text)};
}

Result<XmlEvent> XmlReader::Next() {
  if (empty_element_) return End();
  while (!rest_.empty()) {
    if (!rest_.starts_with('<')) {
      Result<XmlEvent> text = Text();
      if (!text || !open_.empty()) return text;
    } else if (rest_.starts_with("<?")) {
      if (!SkipPast("?>")) return Bad("a declaration without an end");
    } else if (rest_.starts_with("<!--")) {
      if (!SkipPast("-->")) return Bad("a comment without an end");
    } else if (rest_.starts_with("<![CDATA[") && !open_.empty()) {
      rest_.remove_prefix(9);
      const std::string_view text = rest_.substr(0, rest_.find("]]>"));
      if (!SkipPast("]]>")) return Bad("CDATA without an end");
      return XmlEvent{XmlEvent::Kind::kText, "", std::string(text)};
    } else if (rest_.starts_with("<!")) {
      return Bad("a document type");
    } else if (rest_.starts_with("</")) {
      rest_.remove_prefix(2);
      return End();
    } else {
      rest_.remove_prefix(1);
      return Start();
    }
  }
  if (!open_.empty()) return Bad("<" + open_.back() + "> is never closed");
  if (!root_seen_) return Bad("it is empty");
  return XmlEvent{};
}

}  // namespace etcdrestore
