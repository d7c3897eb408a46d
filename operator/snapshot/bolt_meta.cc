#include <fmt/format.h>

#include <bit>
#include <optional>

#include "operator/snapshot/bolt.h"
#include "operator/snapshot/bolt_page.h"
#include "operator/snapshot/little_endian.h"

namespace etcdrestore {
namespace {

// A meta page: header (16), magic, version, page size, flags (4 each), root page, root sequence,
// freelist, high water mark, transaction, checksum (8 each).
constexpr std::uint32_t kMagic = 0xED0CDAED;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kMetaStart = 16;
constexpr std::size_t kChecksumAt = 72;
constexpr std::size_t kMetaEnd = 80;
// The page sizes bbolt itself tries when the first meta page is bad.
constexpr std::size_t kSmallestPage = 1024;
constexpr std::size_t kLargestPage = kSmallestPage << 15U;

std::uint64_t Fnv64a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

std::optional<BoltMeta> MetaAt(std::string_view file, std::size_t offset) {
  if (file.size() < offset || file.size() - offset < kMetaEnd) return std::nullopt;
  const auto page = file.substr(offset, kMetaEnd);
  if (LoadLittle<std::uint32_t>(page, 16) != kMagic) return std::nullopt;
  if (LoadLittle<std::uint32_t>(page, 20) != kVersion) return std::nullopt;
  if (LoadLittle<std::uint64_t>(page, kChecksumAt) !=
      Fnv64a(page.substr(kMetaStart, kChecksumAt - kMetaStart)))
    return std::nullopt;
  const BoltMeta meta{.page_size = LoadLittle<std::uint32_t>(page, 24),
                      .root = LoadLittle<std::uint64_t>(page, 32),
                      .freelist = LoadLittle<std::uint64_t>(page, 48),
                      .high_water = LoadLittle<std::uint64_t>(page, 56),
                      .txid = LoadLittle<std::uint64_t>(page, 64)};
  if (!std::has_single_bit(meta.page_size) || meta.page_size < kSmallestPage ||
      meta.page_size > kLargestPage)
    return std::nullopt;
  return meta;
}

/// The second meta page lies at offset one page, whatever size a page has.
std::optional<BoltMeta> SecondMeta(std::string_view file, const std::optional<BoltMeta>& first) {
  if (first) return MetaAt(file, first->page_size);
  for (std::size_t size = kSmallestPage; size <= kLargestPage; size *= 2) {
    auto meta = MetaAt(file, size);
    if (meta && meta->page_size == size) return meta;
  }
  return std::nullopt;
}

}  // namespace

Result<BoltMeta> ReadBoltMeta(std::string_view file) {
  const auto first = MetaAt(file, 0);
  const auto second = SecondMeta(file, first);
  if (!first && !second)
    return BoltDamaged("neither of the two meta pages of the database is valid");
  const bool use_second = !first || (second && second->txid > first->txid);
  const BoltMeta meta = use_second ? *second : *first;
  if (meta.high_water > file.size() / meta.page_size)
    return BoltDamaged(fmt::format("the database has {} pages of {} bytes, the file only {} bytes",
                                   meta.high_water, meta.page_size, file.size()));
  if (meta.root < 2 || meta.root >= meta.high_water)
    return BoltDamaged(fmt::format("the root page {} is outside the database", meta.root));
  return meta;
}

}  // namespace etcdrestore
