#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace etcdrestore {

/// The little-endian number of sizeof(T) bytes at `offset`; the caller has checked the bounds.
template <typename T>
T LoadLittle(std::string_view bytes, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(
        value |
        static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[offset + i])) << (8U * i)));
  return value;
}

}  // namespace etcdrestore
