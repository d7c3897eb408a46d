#include "operator/snapshot/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace etcdrestore {
namespace {

Error Unreadable(const std::string& path, const std::string& seen) {
  return Terminal(
      "SnapshotUnreadable",
      fmt::format("cannot read {}: {}; check the path, its permissions and the disk", path, seen));
}

Error UnreadableErrno(const std::string& path) { return Unreadable(path, std::strerror(errno)); }

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a fifo under this name would otherwise wait for a writer for ever.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return UnreadableErrno(path);
  MappedFile file(path, fd);
  struct stat about {};
  if (fstat(fd, &about) != 0) return UnreadableErrno(path);
  if (!S_ISREG(about.st_mode)) return Unreadable(path, "it is not a regular file");
  if (about.st_size == 0) return file;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return UnreadableErrno(path);
  file.data_ = static_cast<const char*>(data);
  file.size_ = size;
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
  if (fd_ >= 0) close(fd_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Status MappedFile::ReadAt(std::uint64_t offset, char* buffer, std::size_t length) const {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = pread(fd_, buffer + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return UnreadableErrno(path_);
    if (got == 0) return Unreadable(path_, "it became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Status MappedFile::CheckUnchanged() const {
  struct stat about {};
  if (fstat(fd_, &about) != 0) return UnreadableErrno(path_);
  if (static_cast<std::uint64_t>(about.st_size) != size_)
    return Unreadable(path_, fmt::format("its size changed from {} to {} bytes while it was read",
                                         size_, about.st_size));
  return {};
}

}  // namespace etcdrestore
