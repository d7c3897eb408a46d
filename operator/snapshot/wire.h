#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace etcdrestore {

/// One field of a protobuf message. `bytes` is set for length-delimited fields and views the
/// message; `number` of a varint or fixed field is in `value`.
struct WireField {
  std::uint32_t tag = 0;  ///< field number, at least 1
  bool is_bytes = false;
  std::uint64_t value = 0;
  std::string_view bytes;
};

/// Reads the fields of a protobuf message in order, never outside of it. Groups are malformed: no
/// message read here has any.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : message_(message) {}
  /// The next field; nullopt at the end, and for ever after something malformed.
  std::optional<WireField> Next();
  /// False once something malformed was met.
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::optional<std::uint64_t> Varint();
  std::optional<std::string_view> Take(std::uint64_t length);
  std::optional<WireField> Malformed();

  std::string_view message_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// The last length-delimited field `tag` of `message` (protobuf: the last one wins); nullopt when
/// there is none or the message is malformed.
std::optional<std::string_view> WireBytes(std::string_view message, std::uint32_t tag);

}  // namespace etcdrestore
