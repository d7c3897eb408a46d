#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

/// A regular file, open and mapped for reading. Movable; the views of bytes() live as long as the
/// object. The file must be the caller's own: a process that truncates it while bytes() is read
/// kills this one with SIGBUS, so copy a file that others may write. A disk that cannot be read is
/// an error of ReadAt(), which is why the digest pass goes through it before bytes() is touched.
class MappedFile {
 public:
  /// Errors: SnapshotUnreadable (terminal) for what is missing, forbidden or no regular file.
  static Result<MappedFile> Open(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The file as it was when opened. Empty for an empty file.
  [[nodiscard]] std::string_view bytes() const { return {data_, size_}; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Fills `length` bytes of `buffer` from `offset`; fewer bytes or an I/O fault is
  /// SnapshotUnreadable.
  [[nodiscard]] Status ReadAt(std::uint64_t offset, char* buffer, std::size_t length) const;
  /// SnapshotUnreadable when the file no longer has the size it was opened with.
  [[nodiscard]] Status CheckUnchanged() const;

 private:
  MappedFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace etcdrestore
