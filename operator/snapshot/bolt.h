#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// What a bbolt database says about itself: go.etcd.io/bbolt, file version 2, little-endian.
struct BoltMeta {
  std::uint32_t page_size = 0;
  std::uint64_t root = 0;        ///< page of the bucket that holds the buckets
  std::uint64_t freelist = 0;    ///< page of the list of free pages, or kNoFreelist
  std::uint64_t high_water = 0;  ///< number of pages in use; the file has at least as many
  std::uint64_t txid = 0;
};
/// etcd does not write the list; bbolt then finds the free pages by itself.
inline constexpr std::uint64_t kNoFreelist = ~0ULL;

/// Reads both meta pages (magic, version, FNV-64a checksum) and returns the valid one with the
/// higher transaction, whose numbers are then within `file`. Error: SnapshotDamaged.
Result<BoltMeta> ReadBoltMeta(std::string_view file);

/// Called in ascending byte order. Views live as long as the file. An error ends the walk.
struct BoltVisitor {
  std::function<Status(std::string_view name)> bucket;
  std::function<Status(std::string_view key, std::string_view value)> entry;  ///< of that bucket
};

/// Walks every bucket of the root. Proves on the way: each page lies in the file, names itself
/// right, is a branch or a leaf and is reached once; elements lie inside their page without
/// overlap; keys ascend and stay within the bounds their parents give; no page in use is also on
/// the list of free pages. Time and memory are linear in the file whatever it holds. A bucket
/// inside a bucket is damage: etcd has none. Errors: SnapshotDamaged; those of `call` and `visit`.
Status WalkBolt(const Call& call, std::string_view file, const BoltMeta& meta,
                const BoltVisitor& visit);

}  // namespace etcdrestore
