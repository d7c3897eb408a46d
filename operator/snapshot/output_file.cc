#include "operator/snapshot/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace etcdrestore {
namespace {

Error Unwritable(const std::string& path) {
  return Terminal("SnapshotUnwritable",
                  fmt::format("cannot write {}: {}; check free space and permissions of its folder",
                              path, std::strerror(errno)));
}

}  // namespace

Result<OutputFile> OutputFile::Create(const std::string& path) {
  std::string part = path + ".part-XXXXXX";
  const int fd = mkostemp(part.data(), O_CLOEXEC);  // creates with mode 0600
  if (fd < 0) return Unwritable(path);
  return OutputFile(path, std::move(part), fd);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!part_.empty()) unlink(part_.c_str());
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_(std::exchange(other.part_, "")),
      fd_(std::exchange(other.fd_, -1)) {}

Status OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unwritable(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status OutputFile::Commit() {
  if (fsync(fd_) != 0) return Unwritable(path_);
  if (rename(part_.c_str(), path_.c_str()) != 0) return Unwritable(path_);
  part_.clear();
  const auto folder = std::filesystem::path(path_).parent_path();
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Unwritable(path_);
  const bool synced = fsync(fd) == 0;
  const int saved = errno;
  close(fd);
  errno = saved;
  return synced ? Status() : Unwritable(path_);
}

}  // namespace etcdrestore
