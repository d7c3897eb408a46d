#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "operator/base/clock.h"

namespace etcdrestore {

/// What was found out and is good for a while. Holds at most `most` entries: when there is no room,
/// the one that would end first goes. Takes no clock and no lock; one thread at a time.
template <typename Value>
class ExpiringCache {
 public:
  explicit ExpiringCache(std::size_t most) : most_(most) {}

  /// nullopt when it is not there, or no longer good.
  [[nodiscard]] std::optional<Value> Find(const std::string& key, SteadyTime now) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || now >= found->second.until) return std::nullopt;
    return found->second.value;
  }

  void Put(const std::string& key, Value value, SteadyTime until) {
    if (entries_.size() >= most_ && !entries_.contains(key)) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const auto& one, const auto& other) {
                                        return one.second.until < other.second.until;
                                      }));
    }
    entries_.insert_or_assign(key, Entry{std::move(value), until});
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value;
    SteadyTime until;
  };
  std::size_t most_;
  std::map<std::string, Entry> entries_;
};

}  // namespace etcdrestore
