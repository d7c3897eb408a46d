#include "operator/snapshot/trailer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <vector>

#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kHead = 1024;
constexpr std::size_t kChunk = 256U << 10U;
// Where bbolt's magic number lies in the first meta page.
constexpr std::size_t kMagicAt = 16;
constexpr std::string_view kMagic = "\xED\xDA\x0C\xED";

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// The text of an S3 error document's <Code>, "" when there is none.
std::string S3Code(std::string_view head) {
  const auto open = head.find("<Code>");
  if (open == std::string_view::npos) return "";
  const auto code = head.substr(open + 6, 64);
  const auto end = code.find('<');
  const auto name = code.substr(0, end == std::string_view::npos ? 0 : end);
  const bool plain =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return plain ? std::string(name) : "";
}

bool LooksLikeMarkup(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const auto start = head.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || head[start] != '<') return false;
  const std::string text = Lower(head.substr(start, 16));
  return text.starts_with("<!doctype") || text.starts_with("<!--") || text.starts_with("<?xml") ||
         text.starts_with("<html") || text.starts_with("<head") || text.starts_with("<error") ||
         text.starts_with("<body");
}

Error Markup(const MappedFile& file, std::string_view head) {
  const auto code = S3Code(head);
  return Terminal(
      "SnapshotIsHtml",
      fmt::format("{} is not a snapshot but a web page or error document ({} bytes{}{}): the "
                  "download went wrong; check address, credentials and name, and fetch it again",
                  file.path(), file.size(), code.empty() ? "" : ", the server said ", code));
}

Error WrongSize(const MappedFile& file, std::string_view head) {
  const bool database = head.substr(std::min(head.size(), kMagicAt)).starts_with(kMagic);
  const std::string seen =
      !database ? "it does not start like an etcd database, and its size is not that of a snapshot"
      : file.size() % kSector == 0 ? "it is a database without the 32-byte digest at its end: a "
                                     "copy of member/snap/db, or a "
                                     "snapshot that lost its end"
                                   : "it ends in the middle: the copy or the download was cut off";
  return Terminal("SnapshotTruncated",
                  fmt::format("{} ({} bytes): {}; fetch it again or take another snapshot",
                              file.path(), file.size(), seen));
}

}  // namespace

bool StartsLikeZip(std::string_view head) {
  return head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06");
}

Status CheckLooks(const MappedFile& file) {
  if (file.size() == 0)
    return Terminal("SnapshotEmpty",
                    fmt::format("{} has 0 bytes: the snapshot or its download failed; take another "
                                "snapshot",
                                file.path()));
  std::string head(std::min<std::size_t>(kHead, file.bytes().size()), '\0');
  auto read = file.ReadAt(0, head.data(), head.size());
  if (!read) return read;
  if (StartsLikeZip(head))
    return Terminal("SnapshotIsZip",
                    fmt::format("{} is a zip, not a raw snapshot; unpack it first", file.path()));
  if (LooksLikeMarkup(head)) return Markup(file, head);
  if (file.size() % kSector != kTrailer || file.size() < kSector) return WrongSize(file, head);
  return {};
}

Result<std::string> CheckDigest(const Call& call, const MappedFile& file) {
  const std::uint64_t data_size = file.size() - kTrailer;
  std::vector<char> buffer(kChunk);
  Sha256 hash;
  for (std::uint64_t at = 0; at < data_size;) {
    if (const auto over = call.Over()) return *over;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, data_size - at));
    const auto read = file.ReadAt(at, buffer.data(), length);
    if (!read) return read.error();
    hash.Update({buffer.data(), length});
    at += length;
  }
  const auto actual = hash.Current();
  std::array<char, kTrailer> trailer{};
  const auto read = file.ReadAt(data_size, trailer.data(), trailer.size());
  if (!read) return read.error();
  if (std::memcmp(actual.data(), trailer.data(), trailer.size()) != 0)
    return Terminal(
        "SnapshotCorrupt",
        fmt::format(
            "{}: the content has sha256 {}, its last 32 bytes say {}: the file changed after "
            "it was taken; fetch it again or take another snapshot",
            file.path(), Hex(actual), Hex({trailer.data(), trailer.size()})));
  hash.Update({trailer.data(), trailer.size()});
  return Hex(hash.Finish());
}

}  // namespace etcdrestore
