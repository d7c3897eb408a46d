#include "operator/snapshot/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace etcdrestore {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, bits reversed
using Table = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Table MakeTable() {
  Table table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    table[0][i] = crc;
  }
  for (std::size_t slice = 1; slice < 8; ++slice)
    for (std::size_t i = 0; i < 256; ++i)
      table[slice][i] = (table[slice - 1][i] >> 8U) ^ table[0][table[slice - 1][i] & 255U];
  return table;
}

constexpr Table kTable = MakeTable();

std::uint8_t Byte(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t WithSse42(std::uint32_t crc,
                                                          std::string_view bytes) {
  std::uint64_t state = ~crc;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<std::uint32_t>(state);
  for (; at < bytes.size(); ++at) narrow = _mm_crc32_u8(narrow, Byte(bytes, at));
  return ~narrow;
}
#endif

}  // namespace

std::uint32_t Crc32cPortable(std::uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 4; ++i)
      next ^= kTable[7 - i][((crc >> (8U * i)) & 255U) ^ Byte(bytes, at + i)] ^
              kTable[3 - i][Byte(bytes, at + 4 + i)];
    crc = next;
  }
  for (; at < bytes.size(); ++at) crc = (crc >> 8U) ^ kTable[0][(crc & 255U) ^ Byte(bytes, at)];
  return ~crc;
}

std::uint32_t Crc32c(std::uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2");
  if (has_sse42) return WithSse42(crc, bytes);
#endif
  return Crc32cPortable(crc, bytes);
}

}  // namespace etcdrestore
