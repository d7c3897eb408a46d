#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "operator/snapshot/mapped_file.h"
#include "operator/snapshot/output_file.h"
#include "operator/snapshot/snapshot.h"
#include "operator/snapshot/trailer.h"

namespace etcdrestore {
namespace {

constexpr std::string_view kDatabaseFolder = "/backup/";
constexpr std::string_view kStateFolder = "/etc/kubernetes/";
constexpr std::string_view kStateSuffix = ".rkestate";
constexpr zip_int64_t kMaxEntries = 16;
constexpr std::uint64_t kMaxState = 64ULL << 20U;
constexpr std::size_t kChunk = 256U << 10U;

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;
using Sink = std::function<Status(std::string_view)>;

Error Damaged(const std::string& path, const std::string& seen) {
  return Terminal("ZipDamaged", fmt::format("cannot unpack {}: {}; fetch it again or take another "
                                            "snapshot",
                                            path, seen));
}

Error WrongContent(const std::string& path, const std::string& seen) {
  return Terminal("ZipWrongContent",
                  fmt::format("{} is not a zip that RKE made of a snapshot: {}", path, seen));
}

/// For messages: names in a zip are anybody's bytes.
std::string Printable(std::string_view name) {
  std::string text(name.substr(0, 100));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '/' || c == 127 || (c >= 0 && c < ' '); });
}

/// What the directory of the zip says.
struct Directory {
  std::string name;
  zip_uint64_t database = 0;
  std::optional<zip_uint64_t> state;
};

Result<Archive> OpenArchive(const std::string& path) {
  // The mapping tells a missing or forbidden file from a damaged one better than libzip does.
  const auto file = MappedFile::Open(path);
  if (!file) return Terminal("ZipUnreadable", file.error().message);
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string seen = zip_error_strerror(&error);
  zip_error_fini(&error);
  return Damaged(path, seen);
}

Result<Directory> ReadDirectory(zip_t* archive, const std::string& path) {
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  if (count > kMaxEntries) return WrongContent(path, fmt::format("it has {} entries", count));
  std::optional<zip_uint64_t> database;
  Directory found;
  std::string state_name;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char* const raw = zip_get_name(archive, i, ZIP_FL_ENC_RAW);
    const std::string_view name = raw == nullptr ? "" : raw;
    if (!database && name.starts_with(kDatabaseFolder)) {
      database = i;
      found.name = name.substr(kDatabaseFolder.size());
    } else if (!found.state && name.starts_with(kStateFolder) && name.ends_with(kStateSuffix)) {
      found.state = i;
      state_name = name.substr(kStateFolder.size());
    } else {
      return WrongContent(path, fmt::format("unexpected entry '{}'", Printable(name)));
    }
  }
  if (!database) return WrongContent(path, "it has no entry /backup/<name>");
  if (!IsFileName(found.name))
    return WrongContent(path, fmt::format("unusable name '{}'", Printable(found.name)));
  if (found.state && state_name != found.name + std::string(kStateSuffix))
    return WrongContent(path,
                        fmt::format("the state file '{}' belongs to another snapshot than '{}'",
                                    Printable(state_name), Printable(found.name)));
  found.database = *database;
  return found;
}

/// Feeds one entry to `sink`. The size in the directory is not believed: at most `limit` bytes
/// pass.
Status Extract(const Call& call, zip_t* archive, zip_uint64_t index, std::uint64_t limit,
               const std::string& path, const Sink& sink) {
  const Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) return Damaged(path, zip_strerror(archive));
  std::vector<char> buffer(kChunk);
  std::uint64_t total = 0;
  while (true) {
    if (const auto over = call.Over()) return *over;
    const zip_int64_t got = zip_fread(entry.get(), buffer.data(), buffer.size());
    if (got < 0) return Damaged(path, zip_error_strerror(zip_file_get_error(entry.get())));
    if (got == 0) return {};
    total += static_cast<std::uint64_t>(got);
    if (total > limit)
      return WrongContent(path, fmt::format("an entry is larger than {} bytes", limit));
    auto taken = sink({buffer.data(), static_cast<std::size_t>(got)});
    if (!taken) return taken;
  }
}

}  // namespace

bool LooksLikeZip(const std::string& path) {
  const auto file = MappedFile::Open(path);
  if (!file || file->size() < 4) return false;
  std::string head(4, '\0');
  return file->ReadAt(0, head.data(), head.size()).has_value() && StartsLikeZip(head);
}

Result<ZipContents> UnpackZip(const Call& call, const std::string& zip_path,
                              const std::string& db_path, std::uint64_t max_db_bytes) {
  const auto archive = OpenArchive(zip_path);
  if (!archive) return archive.error();
  auto directory = ReadDirectory(archive->get(), zip_path);
  if (!directory) return directory.error();
  ZipContents contents{.name = directory->name, .rkestate = std::nullopt};
  if (directory->state) {
    std::string text;
    const auto read = Extract(call, archive->get(), *directory->state, kMaxState, zip_path,
                              [&](std::string_view bytes) {
                                text += bytes;
                                return Status();
                              });
    if (!read) return read.error();
    contents.rkestate = std::move(text);
  }
  auto output = OutputFile::Create(db_path);
  if (!output) return output.error();
  const auto read = Extract(call, archive->get(), directory->database, max_db_bytes, zip_path,
                            [&](std::string_view bytes) { return output->Write(bytes); });
  if (!read) return read.error();
  const auto placed = output->Commit();
  if (!placed) return placed.error();
  return contents;
}

}  // namespace etcdrestore
