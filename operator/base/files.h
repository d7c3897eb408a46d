#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

/// Whole file as text. Errors FileMissing, FileUnreadable (also over `limit` bytes), terminal.
Result<std::string> ReadFile(const std::string& path, std::size_t limit = 64U << 20U);

/// A reader sees the old file or the new one, also after a power cut: temporary file beside it,
/// fsync, rename, fsync of the folder. Mode 0600. Error FileUnwritable (transient: a full disk may
/// be emptied).
Status WriteFileAtomically(const std::string& path, std::string_view text);

/// Makes the folder and its parents, mode 0700. Error FileUnwritable.
Status MakeFolder(const std::string& path);

bool FileExists(const std::string& path);

/// An exclusive flock on a file, held while the object lives and never longer than the process.
class FileLock {
 public:
  /// Error LockedByOther (terminal) with what the holder wrote into the file; FileUnwritable.
  static Result<FileLock> Take(const std::string& path, const std::string& note);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace etcdrestore
