#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/snapshot/bolt.h"
#include "operator/snapshot/snapshot.h"

namespace etcdrestore::testing {

/// A folder of its own that goes away with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string Path(std::string_view name) const;
  /// Writes a file and returns its path.
  [[nodiscard]] std::string Write(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

std::string ReadWhole(const std::string& path);
std::string TestData(std::string_view name);  ///< path of a file of testdata
/// The bytes of a golden snapshot, with its digest.
std::string Golden(std::string_view name);
nlohmann::json GoldenFacts(std::string_view name);
/// `database` with its digest behind it, as `etcdctl snapshot save` writes it.
std::string WithTrailer(std::string_view database);
std::string WithoutTrailer(std::string_view snapshot);
/// ReadSnapshot of a file with these bytes.
Result<SnapshotFacts> ReadBytes(std::string_view bytes);

/// "" for a value, else the reason of the error.
template <typename T>
std::string ReasonOf(const Result<T>& result) {
  return result ? "" : result.error().reason;
}

struct BoltEntry {
  std::string key;
  std::string value;
  bool is_bucket = false;
};

/// Writes bbolt files page by page, right or wrong.
class BoltImage {
 public:
  explicit BoltImage(std::uint64_t pages, std::uint32_t page_size = 4096);
  /// Both meta pages, the first newer.
  BoltImage& Meta(std::uint64_t root, std::uint64_t freelist = kNoFreelist);
  BoltImage& Leaf(std::uint64_t id, const std::vector<BoltEntry>& entries,
                  std::uint32_t overflow = 0);
  BoltImage& Branch(std::uint64_t id,
                    const std::vector<std::pair<std::string, std::uint64_t>>& children);
  BoltImage& Freelist(std::uint64_t id, const std::vector<std::uint64_t>& free);
  /// Overwrites a number at `offset` of page `id`.
  template <typename T>
  BoltImage& Poke(std::uint64_t id, std::size_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_[id * page_size_ + offset + i] =
          static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    return *this;
  }
  /// Makes the checksum of meta page `id` right again.
  BoltImage& SealMeta(std::uint64_t id);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::uint32_t page_size_;
  std::string bytes_;
};

std::string BucketAt(std::uint64_t root);                         ///< value of a bucket's entry
std::string InlineBucket(const std::vector<BoltEntry>& entries);  ///< the same, without a page
std::string Revision(std::int64_t main, std::int64_t sub = 0, bool tombstone = false);
std::string WireText(int tag, std::string_view text);                ///< a length-delimited field
std::string KeyValue(std::string_view key, std::string_view value);  ///< mvccpb.KeyValue

}  // namespace etcdrestore::testing
