#include "operator/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace etcdrestore {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error Unwritable(const std::string& doing, const std::string& path) {
  return Transient("FileUnwritable", doing + " " + path + ": " + std::strerror(errno));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    return Terminal(errno == ENOENT ? "FileMissing" : "FileUnreadable",
                    "open " + path + ": " + std::strerror(errno));
  }
  std::string text;
  std::string buffer(1U << 16U, '\0');
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Terminal("FileUnreadable", "read " + path + ": " + std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > limit)
      return Terminal("FileUnreadable",
                      path + " is larger than " + std::to_string(limit) + " bytes");
  }
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const std::string part = path + ".new";
  {
    const Fd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return Unwritable("create", part);
    if (!WriteAll(fd.get(), text) || ::fsync(fd.get()) != 0) return Unwritable("write", part);
  }
  if (::rename(part.c_str(), path.c_str()) != 0) return Unwritable("rename to", path);
  const Fd dir(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0 || ::fsync(dir.get()) != 0) return Unwritable("sync folder of", path);
  return {};
}

Status MakeFolder(const std::string& path) {
  std::string so_far;
  for (const auto& part : std::filesystem::path(path)) {
    so_far = so_far.empty() ? part.string() : (std::filesystem::path(so_far) / part).string();
    if (so_far.empty() || so_far == "/") continue;
    if (::mkdir(so_far.c_str(), 0700) != 0 && errno != EEXIST)
      return Unwritable("make folder", so_far);
  }
  return {};
}

bool FileExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<FileLock> FileLock::Take(const std::string& path, const std::string& note) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Unwritable("open", path);
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    std::string holder = ReadFile(path, 4096).value_or("");
    holder.erase(holder.find_last_not_of('\n') + 1);
    return Terminal("LockedByOther",
                    "another run of this cluster is at work on this machine: " +
                        (holder.empty() ? "one that has not said its name yet" : holder) +
                        " holds " + path + ". Wait for it; the lock ends with its process");
  }
  if (::ftruncate(fd, 0) != 0 || !WriteAll(fd, note)) return Unwritable("write", path);
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace etcdrestore
