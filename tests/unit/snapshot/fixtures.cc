#include "tests/unit/snapshot/fixtures.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "operator/base/sha256.h"

namespace etcdrestore::testing {
namespace {

template <typename T>
void Append(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

void AppendBig(std::string& bytes, std::int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
}

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value > 127; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}

std::string Header(std::uint64_t id, std::uint16_t flags, std::size_t count,
                   std::uint32_t overflow = 0) {
  std::string bytes;
  Append(bytes, id);
  Append(bytes, flags);
  Append(bytes, static_cast<std::uint16_t>(count));
  Append(bytes, overflow);
  return bytes;
}

std::string LeafPage(std::uint64_t id, const std::vector<BoltEntry>& entries,
                     std::uint32_t overflow) {
  std::string page = Header(id, 2, entries.size(), overflow);
  std::string data;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Append(page, static_cast<std::uint32_t>(entries[i].is_bucket ? 1 : 0));
    Append(page, static_cast<std::uint32_t>((entries.size() - i) * 16 + data.size()));
    Append(page, static_cast<std::uint32_t>(entries[i].key.size()));
    Append(page, static_cast<std::uint32_t>(entries[i].value.size()));
    data += entries[i].key + entries[i].value;
  }
  return page + data;
}

void Place(std::string& bytes, std::size_t at, const std::string& page) {
  if (at + page.size() > bytes.size()) std::abort();
  bytes.replace(at, page.size(), page);
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "snapshot-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}
TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }
std::string TempFolder::Path(std::string_view name) const {
  return path_ + "/" + std::string(name);
}
std::string TempFolder::Write(std::string_view name, std::string_view bytes) const {
  std::ofstream(Path(name), std::ios::binary) << bytes;
  return Path(name);
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string TestData(std::string_view name) {
  return std::string(ETCDRESTORE_SOURCE_DIR "/tests/unit/snapshot/testdata/") + std::string(name);
}

std::string Golden(std::string_view name) {
  const TempFolder folder;
  const auto unpacked =
      UnpackZip({}, TestData(std::string(name) + ".zip"), folder.Path("db"), 1ULL << 30);
  if (!unpacked) ADD_FAILURE() << unpacked.error().message;
  return ReadWhole(folder.Path("db"));
}

nlohmann::json GoldenFacts(std::string_view name) {
  return nlohmann::json::parse(ReadWhole(TestData(std::string(name) + ".json")));
}

std::string WithTrailer(std::string_view database) {
  const auto digest = Sha256Of(database);
  return std::string(database) + std::string(digest.begin(), digest.end());
}

std::string WithoutTrailer(std::string_view snapshot) {
  return std::string(snapshot.substr(0, snapshot.size() - 32));
}

Result<SnapshotFacts> ReadBytes(std::string_view bytes) {
  const TempFolder folder;
  return ReadSnapshot({}, folder.Write("snapshot", bytes));
}

BoltImage::BoltImage(std::uint64_t pages, std::uint32_t page_size)
    : page_size_(page_size), bytes_(pages * page_size, '\0') {}

BoltImage& BoltImage::Meta(std::uint64_t root, std::uint64_t freelist) {
  for (const std::uint64_t id : {0U, 1U}) {
    std::string page = Header(id, 4, 0);
    Append(page, 0xED0CDAEDU);
    Append(page, 2U);
    Append(page, page_size_);
    Append(page, 0U);
    for (const std::uint64_t number :
         {root, std::uint64_t{0}, freelist, std::uint64_t{bytes_.size() / page_size_}, 10 - id})
      Append(page, number);
    Place(bytes_, id * page_size_, page);
    SealMeta(id);
  }
  return *this;
}

BoltImage& BoltImage::SealMeta(std::uint64_t id) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 16; i < 72; ++i) {
    hash ^= static_cast<unsigned char>(bytes_[id * page_size_ + i]);
    hash *= 0x100000001b3;
  }
  return Poke(id, 72, hash);
}

BoltImage& BoltImage::Leaf(std::uint64_t id, const std::vector<BoltEntry>& entries,
                           std::uint32_t overflow) {
  Place(bytes_, id * page_size_, LeafPage(id, entries, overflow));
  return *this;
}

BoltImage& BoltImage::Branch(std::uint64_t id,
                             const std::vector<std::pair<std::string, std::uint64_t>>& children) {
  std::string page = Header(id, 1, children.size());
  std::string data;
  for (std::size_t i = 0; i < children.size(); ++i) {
    Append(page, static_cast<std::uint32_t>((children.size() - i) * 16 + data.size()));
    Append(page, static_cast<std::uint32_t>(children[i].first.size()));
    Append(page, children[i].second);
    data += children[i].first;
  }
  Place(bytes_, id * page_size_, page + data);
  return *this;
}

BoltImage& BoltImage::Freelist(std::uint64_t id, const std::vector<std::uint64_t>& free) {
  std::string page = Header(id, 16, free.size());
  for (const std::uint64_t number : free) Append(page, number);
  Place(bytes_, id * page_size_, page);
  return *this;
}

std::string BucketAt(std::uint64_t root) {
  std::string header;
  Append(header, root);
  Append(header, std::uint64_t{0});
  return header;
}

std::string InlineBucket(const std::vector<BoltEntry>& entries) {
  return BucketAt(0) + LeafPage(0, entries, 0);
}

std::string Revision(std::int64_t main, std::int64_t sub, bool tombstone) {
  std::string bytes;
  AppendBig(bytes, main);
  bytes += '_';
  AppendBig(bytes, sub);
  return tombstone ? bytes + 't' : bytes;
}

std::string WireText(int tag, std::string_view text) {
  return Varint(static_cast<std::uint64_t>(tag) << 3U | 2U) + Varint(text.size()) +
         std::string(text);
}

std::string KeyValue(std::string_view key, std::string_view value) {
  return WireText(1, key) + WireText(5, value);
}

}  // namespace etcdrestore::testing
