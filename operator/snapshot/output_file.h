#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

/// A file that appears whole or not at all: written under another name beside its place (mode
/// 0600), fsynced and renamed by Commit(), removed when the object dies before that. All errors are
/// SnapshotUnwritable, terminal: a person has to free space or grant permission.
class OutputFile {
 public:
  static Result<OutputFile> Create(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] Status Write(std::string_view bytes);
  /// Puts the file into place, over one that may be there. Call once, last.
  [[nodiscard]] Status Commit();

 private:
  OutputFile(std::string path, std::string part, int fd)
      : path_(std::move(path)), part_(std::move(part)), fd_(fd) {}
  std::string path_;
  std::string part_;  ///< "" once committed
  int fd_;
};

}  // namespace etcdrestore
