#include "operator/ports/byte_pipe.h"

#include <algorithm>

namespace etcdrestore {

ByteSink BytePipe::sink() {
  return [this](std::string_view bytes) -> Status {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reader_closed_ || buffer_.size() < capacity_; });
    if (reader_closed_) return Transient("PipeClosed", "the receiving side ended early");
    buffer_.append(bytes);
    changed_.notify_all();
    return {};
  };
}

ByteSource BytePipe::source() {
  return [this](std::span<char> into) -> Result<std::size_t> {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return writer_closed_ || !buffer_.empty(); });
    if (buffer_.empty()) {
      if (!end_) return end_.error();
      return std::size_t{0};
    }
    const std::size_t count = std::min(into.size(), buffer_.size());
    std::copy_n(buffer_.data(), count, into.data());
    buffer_.erase(0, count);
    changed_.notify_all();
    return count;
  };
}

void BytePipe::CloseWriter(const Status& end) {
  const std::lock_guard lock(mutex_);
  writer_closed_ = true;
  end_ = end;
  changed_.notify_all();
}

void BytePipe::CloseReader() {
  const std::lock_guard lock(mutex_);
  reader_closed_ = true;
  changed_.notify_all();
}

}  // namespace etcdrestore
