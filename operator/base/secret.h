#pragma once

#include <string>
#include <utility>

namespace etcdrestore {

/// Text that must never be printed: it has no stream operator, no formatter, no comparison. Whoever
/// needs the bytes says so with Reveal(), which is easy to search for. Copies are allowed; each
/// copy wipes its memory when it dies.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret() {
    volatile char* bytes = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i) bytes[i] = 0;
  }

  [[nodiscard]] const std::string& Reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace etcdrestore
