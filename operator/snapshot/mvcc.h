#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "operator/base/result.h"

namespace etcdrestore {

/// etcd's key space as of its newest revision, built from the entries of the bucket "key" in their
/// order (etcd server/v3/mvcc: key = main revision, '_', sub revision, big-endian, and 't' for a
/// deletion; value = mvccpb.KeyValue). Keeps views of the file for keys that are alive, nothing for
/// the rest.
class KeySpace {
 public:
  /// Takes the next entry. Error: SnapshotDamaged.
  Status Add(std::string_view revision_key, std::string_view key_value);

  [[nodiscard]] std::int64_t revision() const { return revision_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  /// Key to value.
  [[nodiscard]] const std::unordered_map<std::string_view, std::string_view>& live() const {
    return live_;
  }

 private:
  std::int64_t revision_ = 0;
  std::uint64_t entries_ = 0;
  std::unordered_map<std::string_view, std::string_view> live_;
};

/// The main revision at the front of a 17 or 18 byte revision, as keys and the compaction records
/// of the bucket "meta" hold it. Error: SnapshotDamaged.
Result<std::int64_t> MainRevision(std::string_view revision);

}  // namespace etcdrestore
