#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace etcdrestore {

/// Cuts a stream of bytes, split anywhere, into whole JSON values without parsing them twice or
/// holding more than one. One use, one thread.
class JsonScanner {
 public:
  /// Takes one byte; true when it ends a value that began at depth 0.
  bool Take(char c);
  [[nodiscard]] int depth() const { return depth_; }
  [[nodiscard]] bool in_string() const { return in_string_; }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

/// The objects of a watch stream, one after the other, with or without line ends.
class JsonFrames {
 public:
  using Sink = std::function<Status(nlohmann::ordered_json)>;
  JsonFrames(Sink sink, std::size_t limit) : sink_(std::move(sink)), limit_(limit) {}

  /// Errors: BadAnswer for what is no JSON object or longer than the limit; the sink's.
  Status Take(std::string_view bytes);
  /// True when the stream ended inside an object.
  [[nodiscard]] bool Cut() const { return !frame_.empty(); }

 private:
  Sink sink_;
  std::size_t limit_;
  JsonScanner scanner_;
  std::string frame_;
};

/// A Kubernetes list: each element of `items` goes to the sink when it is whole, the rest of the
/// document is kept.
class ListFrames {
 public:
  using Sink = std::function<void(nlohmann::ordered_json)>;
  /// `limit`: most bytes of one item.
  explicit ListFrames(Sink sink, std::size_t limit = 8U << 20U)
      : sink_(std::move(sink)), limit_(limit) {}

  /// Error BadAnswer.
  Status Take(std::string_view bytes);
  /// The list without its items. Error BadAnswer when it did not end.
  [[nodiscard]] Result<nlohmann::ordered_json> Finish() const;

 private:
  Status TakeByte(char c);

  Sink sink_;
  std::size_t limit_;
  JsonScanner scanner_;
  std::string envelope_;
  std::string key_;   ///< text of the last string at depth 1, with its quotes
  std::string item_;  ///< the element under way
  bool in_items_ = false;
  bool done_ = false;
};

}  // namespace etcdrestore
