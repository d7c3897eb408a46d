#include "operator/adapters/kube/json_frames.h"

#include <cctype>

namespace etcdrestore {
namespace {

/// A body that holds no list, an error page for instance, must not grow without bound.
constexpr std::size_t kMaxEnvelope = 1U << 20U;

bool Blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

Result<nlohmann::ordered_json> Parsed(const std::string& text) {
  auto value = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!value.is_object())
    return Transient("BadAnswer", "not a JSON object: " + text.substr(0, 200));
  return value;
}

}  // namespace

bool JsonScanner::Take(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return false;
  }
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') ++depth_;
  if (c != '}' && c != ']') return false;
  if (depth_ > 0) --depth_;
  return depth_ == 0;
}

Status JsonFrames::Take(std::string_view bytes) {
  for (const char c : bytes) {
    if (frame_.empty() && Blank(c)) continue;
    if (frame_.empty() && c != '{')
      return Transient("BadAnswer", "the watch stream holds something that is no JSON object");
    frame_ += c;
    if (frame_.size() > limit_)
      return Transient("BadAnswer", "an object of the watch stream is longer than " +
                                        std::to_string(limit_) + " bytes");
    if (!scanner_.Take(c)) continue;
    auto value = Parsed(frame_);
    frame_.clear();
    if (!value) return value.error();
    if (Status taken = sink_(std::move(*value)); !taken) return taken;
  }
  return {};
}

Status ListFrames::TakeByte(char c) {
  const bool was_string = scanner_.in_string();
  const int before = scanner_.depth();
  if (scanner_.Take(c)) done_ = true;
  if (in_items_) {
    if (scanner_.depth() == 1) {  // the closing bracket of items
      in_items_ = false;
      envelope_ += c;
      return {};
    }
    const bool between = before == 2 && scanner_.depth() == 2 && !was_string;
    if (between && (c == ',' || Blank(c))) return {};
    item_ += c;
    if (item_.size() > limit_)
      return Transient("BadAnswer",
                       "an item of the list is longer than " + std::to_string(limit_) + " bytes");
    if (before != 3 || scanner_.depth() != 2) return {};
    auto value = Parsed(item_);
    item_.clear();
    if (!value) return value.error();
    sink_(std::move(*value));
    return {};
  }
  envelope_ += c;
  if (envelope_.size() > kMaxEnvelope)
    return Transient("BadAnswer", "the answer is no list: it does not reach its items");
  if (before == 1 && (scanner_.in_string() || was_string)) {
    if (!was_string) key_.clear();
    key_ += c;
  }
  in_items_ = c == '[' && before == 1 && !was_string && key_ == "\"items\"";
  return {};
}

Status ListFrames::Take(std::string_view bytes) {
  for (const char c : bytes) {
    if (Status taken = TakeByte(c); !taken) return taken;
  }
  return {};
}

Result<nlohmann::ordered_json> ListFrames::Finish() const {
  if (!done_)
    return Transient("BadAnswer", "the list ended in the middle: " + envelope_.substr(0, 200));
  return Parsed(envelope_);
}

}  // namespace etcdrestore
