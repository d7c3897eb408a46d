#pragma once

#include <cstdint>
#include <string_view>

namespace etcdrestore {

/// CRC-32C (Castagnoli, reflected) of `bytes`, continuing from `crc`; start with 0. The same as
/// Go's crc32.Update with crc32.Castagnoli. Uses SSE 4.2 where the processor has it.
std::uint32_t Crc32c(std::uint32_t crc, std::string_view bytes);
/// The same without special instructions: for other processors, and to check the fast one.
std::uint32_t Crc32cPortable(std::uint32_t crc, std::string_view bytes);

}  // namespace etcdrestore
