#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace etcdrestore {

/// What the caller may do about an error. Adapters decide at their boundary; nobody above
/// re-classifies.
enum class ErrorKind {
  kTransient,  ///< May pass by itself: try again with back-off.
  kTerminal,   ///< Only a person can change it: stop and say so.
};

/// One failure. `reason` is a stable CamelCase word for machines. `message` is for a tired person:
/// what was tried, where, what was seen, what to do next. Never holds a secret.
struct Error {
  ErrorKind kind = ErrorKind::kTerminal;
  std::string reason;
  std::string message;

  /// Puts what was being done in front of the message: "download snapshot: <message>".
  [[nodiscard]] Error In(const std::string& doing) const {
    return Error{kind, reason, doing + ": " + message};
  }
  bool operator==(const Error&) const = default;
};

inline Error Terminal(std::string reason, std::string message) {
  return Error{ErrorKind::kTerminal, std::move(reason), std::move(message)};
}
inline Error Transient(std::string reason, std::string message) {
  return Error{ErrorKind::kTransient, std::move(reason), std::move(message)};
}

/// A value or an Error, with the names of std::expected (absent from g++ 12 in C++20 mode).
/// Reading the wrong side is a defect of ours and aborts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {
  }  // NOLINT(google-explicit-constructor): return values convert
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): return values convert

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return Checked(), std::get<0>(state_); }
  const T& value() const& { return Checked(), std::get<0>(state_); }
  T&& value() && { return Checked(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    if (has_value()) Die("Result::error() on a value");
    return std::get<1>(state_);
  }
  [[nodiscard]] T value_or(T other) const& {
    return has_value() ? std::get<0>(state_) : std::move(other);
  }
  /// Adds context to the error, leaves a value alone.
  [[nodiscard]] Result In(const std::string& doing) && {
    if (has_value()) return std::move(*this);
    return error().In(doing);
  }

 private:
  [[noreturn]] static void Die(const char* claim) {
    std::fprintf(stderr, "broken invariant: %s\n", claim);
    std::abort();
  }
  void Checked() const {
    if (!has_value())
      Die(("Result::value() on error " + std::get<1>(state_).reason + ": " +
           std::get<1>(state_).message)
              .c_str());
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)
      : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor): return values convert

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const {
    if (!error_) std::abort();
    return *error_;
  }
  [[nodiscard]] Result In(const std::string& doing) && {
    if (has_value()) return {};
    return error_->In(doing);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace etcdrestore
