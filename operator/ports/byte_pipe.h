#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>

#include "operator/ports/node.h"

namespace etcdrestore {

/// A bounded pipe inside the process: one thread writes to sink(), another reads from source().
/// Whoever ends first closes its side, so that the other never waits for ever. Outlives both.
class BytePipe {
 public:
  explicit BytePipe(std::size_t capacity = 4U << 20U) : capacity_(capacity) {}
  ByteSink sink();
  ByteSource source();
  /// The writer is done. After an error the reader gets that error instead of an end.
  void CloseWriter(const Status& end);
  /// The reader is done; the writer's next write fails with PipeClosed.
  void CloseReader();

 private:
  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string buffer_;
  bool writer_closed_ = false;
  bool reader_closed_ = false;
  Status end_;
};

}  // namespace etcdrestore
