#include "operator/snapshot/bolt_page.h"

#include <fmt/format.h>

#include "operator/snapshot/little_endian.h"

namespace etcdrestore {
namespace {

constexpr std::uint32_t kBucketFlag = 1;

std::optional<BoltPageKind> KindOf(std::uint16_t flags) {
  for (const auto kind :
       {BoltPageKind::kBranch, BoltPageKind::kLeaf, BoltPageKind::kMeta, BoltPageKind::kFreelist})
    if (flags == static_cast<std::uint16_t>(kind)) return kind;
  return std::nullopt;
}

Result<BoltPage> ParseHeader(std::string_view bytes, std::uint64_t id) {
  if (bytes.size() < kBoltPageHeader)
    return BoltDamaged(fmt::format("page {} does not fit its place", id));
  const auto own_id = LoadLittle<std::uint64_t>(bytes, 0);
  if (own_id != id) return BoltDamaged(fmt::format("page {} calls itself page {}", id, own_id));
  const auto flags = LoadLittle<std::uint16_t>(bytes, 8);
  const auto kind = KindOf(flags);
  if (!kind) return BoltDamaged(fmt::format("page {} is of unknown kind {:#x}", id, flags));
  return BoltPage{.id = id,
                  .kind = *kind,
                  .count = LoadLittle<std::uint16_t>(bytes, 10),
                  .overflow = LoadLittle<std::uint32_t>(bytes, 12),
                  .bytes = bytes};
}

}  // namespace

Error BoltDamaged(const std::string& seen) {
  return Terminal("SnapshotDamaged", seen + "; take another snapshot");
}

Result<BoltPage> ParseBoltPage(std::string_view bytes, std::uint64_t id, std::size_t page_size) {
  auto page = ParseHeader(bytes, id);
  if (!page) return page;
  const std::uint64_t size = (std::uint64_t{page->overflow} + 1) * page_size;
  if (size > bytes.size())
    return BoltDamaged(
        fmt::format("page {} claims {} bytes, which is beyond the end of the file", id, size));
  page->bytes = bytes.substr(0, static_cast<std::size_t>(size));
  return page;
}

Result<BoltPage> ParseInlineBoltPage(std::string_view bytes) { return ParseHeader(bytes, 0); }

Result<BoltElement> BoltElements::Next() {
  const bool leaf = page_.kind == BoltPageKind::kLeaf;
  const std::string_view bytes = page_.bytes;
  const std::size_t table_end = kBoltPageHeader + kBoltElement * page_.count;
  if (table_end > bytes.size())
    return BoltDamaged(
        fmt::format("the element table of page {} is larger than the page", page_.id));
  if (next_ == 0) data_end_ = table_end;
  const std::size_t at = kBoltPageHeader + kBoltElement * next_;
  const std::size_t start = at + LoadLittle<std::uint32_t>(bytes, leaf ? at + 4 : at);
  const std::size_t key_size = LoadLittle<std::uint32_t>(bytes, leaf ? at + 8 : at + 4);
  const std::size_t value_size = leaf ? LoadLittle<std::uint32_t>(bytes, at + 12) : 0;
  const std::size_t end = start + key_size + value_size;
  if (key_size == 0 || start < data_end_ || end > bytes.size())
    return BoltDamaged(
        fmt::format("element {} of page {} points outside its place", next_, page_.id));
  BoltElement element{.key = bytes.substr(start, key_size),
                      .value = bytes.substr(start + key_size, value_size)};
  if (leaf) {
    element.is_bucket = (LoadLittle<std::uint32_t>(bytes, at) & kBucketFlag) != 0;
  } else {
    element.child = LoadLittle<std::uint64_t>(bytes, at + 8);
  }
  data_end_ = end;
  ++next_;
  return element;
}

}  // namespace etcdrestore
