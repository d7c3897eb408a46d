#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "operator/ports/node.h"

namespace etcdrestore {

ByteSource BytesOf(std::string text) {
  return [text = std::move(text),
          at = std::size_t{0}](std::span<char> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(into.size(), text.size() - at);
    std::copy_n(text.data() + at, count, into.data());
    at += count;
    return count;
  };
}

Result<ByteSource> BytesOfFile(const std::string& path) {
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) return Terminal("FileUnreadable", "open " + path + ": " + std::strerror(errno));
  return ByteSource([file, path](std::span<char> into) -> Result<std::size_t> {
    file->read(into.data(), static_cast<std::streamsize>(into.size()));
    if (file->bad())
      return Terminal("FileUnreadable", "read " + path + ": " + std::strerror(errno));
    return static_cast<std::size_t>(file->gcount());
  });
}

}  // namespace etcdrestore
