#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

inline constexpr std::size_t kBoltPageHeader = 16;
/// Size of a branch and of a leaf element alike.
inline constexpr std::size_t kBoltElement = 16;

enum class BoltPageKind : std::uint16_t { kBranch = 1, kLeaf = 2, kMeta = 4, kFreelist = 16 };

/// One page with its overflow pages. `id` is 0 for the page of an inline bucket.
struct BoltPage {
  std::uint64_t id = 0;
  BoltPageKind kind = BoltPageKind::kLeaf;
  std::uint16_t count = 0;
  std::uint32_t overflow = 0;
  std::string_view bytes;  ///< header included
};

/// A key with its value (leaf) or child page (branch).
struct BoltElement {
  bool is_bucket = false;   ///< leaf: value is a bucket header, perhaps with an inline page
  std::uint64_t child = 0;  ///< branch
  std::string_view key;
  std::string_view value;
};

Error BoltDamaged(const std::string& seen);

/// Reads the header at the front of `bytes`, which starts with the page and ends where pages end.
/// Error: SnapshotDamaged for another id, an unknown kind, or overflow beyond the end.
Result<BoltPage> ParseBoltPage(std::string_view bytes, std::uint64_t id, std::size_t page_size);
/// The page inside the value of an inline bucket, all of `bytes`.
Result<BoltPage> ParseInlineBoltPage(std::string_view bytes);

/// Yields the elements of a branch or leaf page in order, each checked against the page's bounds.
/// Data must lie behind the table and in the order of the elements, as bbolt writes it: so a
/// crafted page cannot make its reader work on the same bytes over and over.
class BoltElements {
 public:
  /// The page is borrowed.
  explicit BoltElements(const BoltPage& page) : page_(page) {}
  [[nodiscard]] bool Done() const { return next_ == page_.count; }
  /// Call only while !Done(). Error: SnapshotDamaged.
  Result<BoltElement> Next();

 private:
  const BoltPage& page_;
  std::uint16_t next_ = 0;
  std::size_t data_end_ = 0;  ///< where the data of the elements before ends
};

}  // namespace etcdrestore
