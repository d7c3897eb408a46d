#include "operator/snapshot/wire.h"

#include "operator/snapshot/little_endian.h"

namespace etcdrestore {
namespace {

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };
constexpr std::uint64_t kMaxTag = (1ULL << 29U) - 1;

}  // namespace

std::optional<WireField> WireReader::Malformed() {
  ok_ = false;
  return std::nullopt;
}

std::optional<std::uint64_t> WireReader::Varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ < message_.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(message_[at_++]);
    // The tenth byte has room for one bit only.
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 127U) << shift;
    if ((byte & 128U) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> WireReader::Take(std::uint64_t length) {
  if (length > message_.size() - at_) return std::nullopt;
  const auto taken = message_.substr(at_, static_cast<std::size_t>(length));
  at_ += taken.size();
  return taken;
}

std::optional<WireField> WireReader::Next() {
  if (!ok_ || at_ == message_.size()) return std::nullopt;
  const auto head = Varint();
  if (!head) return Malformed();
  const std::uint64_t tag = *head >> 3U;
  if (tag == 0 || tag > kMaxTag) return Malformed();
  WireField field;
  field.tag = static_cast<std::uint32_t>(tag);
  const auto type = *head & 7U;
  if (type == kFixed64 || type == kFixed32) {
    const auto raw = Take(type == kFixed64 ? 8 : 4);
    if (!raw) return Malformed();
    field.value =
        type == kFixed64 ? LoadLittle<std::uint64_t>(*raw, 0) : LoadLittle<std::uint32_t>(*raw, 0);
    return field;
  }
  if (type != kVarint && type != kLengthDelimited) return Malformed();
  const auto number = Varint();
  if (!number) return Malformed();
  field.value = *number;
  if (type == kVarint) return field;
  const auto bytes = Take(*number);
  if (!bytes) return Malformed();
  field.is_bytes = true;
  field.bytes = *bytes;
  return field;
}

std::optional<std::string_view> WireBytes(std::string_view message, std::uint32_t tag) {
  std::optional<std::string_view> found;
  WireReader reader(message);
  while (const auto field = reader.Next())
    if (field->tag == tag && field->is_bytes) found = field->bytes;
  return reader.ok() ? found : std::nullopt;
}

}  // namespace etcdrestore
