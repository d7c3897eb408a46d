#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "operator/base/call.h"

namespace etcdrestore {

struct WorkItem {
  std::string key;
  std::string lane;
  std::string held_by;  ///< not "": the lane is taken by that key; only say so, do nothing
  SteadyTime added{};
};

/// What a queue has done since it began, and what it is doing.
struct QueueNumbers {
  std::size_t depth = 0;
  std::uint64_t adds = 0;     ///< keys that came to wait, each once however often it was added
  std::uint64_t retries = 0;  ///< keys that are to come again later
  std::size_t busy = 0;       ///< handed out and not done
  Duration unfinished{};      ///< time that those have been worked on, together
  Duration longest{};         ///< of the one that takes longest
};

/// What is expected to need no work lets everything else go first.
enum class Urgency { kNormal, kLow };

/// Which key is to be worked on next. A key is never handed out twice at once and never lost: added
/// while it is worked on, it comes again afterwards. Keys of one lane are worked on one after the
/// other; one that must wait is handed out with `held_by`, once for each key that it waits for.
/// Keys of low urgency come when no other waits, and are raised when they are added again with
/// normal urgency. Pure: time is passed in.
class QueueState {
 public:
  void Add(const std::string& key, const std::string& lane, SteadyTime now,
           Urgency urgency = Urgency::kNormal);
  /// Not before `due`; a key that waits already keeps the earlier time.
  void AddAt(const std::string& key, const std::string& lane, SteadyTime due, SteadyTime now);
  /// After 5 ms, doubled with each failure in a row up to 1000 s.
  void AddFailed(const std::string& key, const std::string& lane, SteadyTime now);
  void Forget(const std::string& key) { failures_.erase(key); }
  [[nodiscard]] std::optional<WorkItem> Take(SteadyTime now);
  void Done(const std::string& key, SteadyTime now);

  /// When Take may have something; nullopt: nothing waits.
  [[nodiscard]] std::optional<SteadyTime> NextDue() const;
  [[nodiscard]] std::size_t depth() const;
  [[nodiscard]] int failures(const std::string& key) const;
  [[nodiscard]] QueueNumbers Numbers(SteadyTime now) const;

 private:
  struct Busy {
    std::string lane;
    SteadyTime since{};
  };
  struct Waiting {
    std::string lane;
    SteadyTime added{};
    Urgency urgency = Urgency::kNormal;
  };
  void Ready(const std::string& key, const Waiting& waiting);
  void Push(const std::string& key, Urgency urgency);
  void Wake(SteadyTime now);
  /// The entry still stands for a key that waits with low urgency; it may have been raised.
  [[nodiscard]] bool StandsLow(const std::string& key) const;
  std::optional<std::string> NextReady();
  [[nodiscard]] bool Holds(const std::string& key, const std::string& lane) const;

  std::deque<std::string> ready_;
  std::deque<std::string> low_;
  std::map<std::string, Waiting> dirty_;      ///< in ready_ or parked_, or to come after processing
  std::map<std::string, Busy> busy_;          ///< handed out
  std::map<std::string, std::string> lanes_;  ///< lane -> key that holds it
  std::map<std::string, std::string> parked_;  ///< key -> holder that it was told of
  std::map<std::string, std::pair<SteadyTime, std::string>> delayed_;  ///< key -> due, lane
  std::map<std::string, int> failures_;
  std::uint64_t adds_ = 0;
  std::uint64_t retries_ = 0;
};

/// The same for threads. Take blocks until there is something or the call is stopped. A time is
/// kept by any thread that waits, whichever added the key.
class WorkQueue {
 public:
  explicit WorkQueue(const Clock& clock) : clock_(clock) {}
  void Add(const std::string& key, const std::string& lane, Urgency urgency = Urgency::kNormal);
  void AddAfter(const std::string& key, const std::string& lane, Duration pause);
  void AddFailed(const std::string& key, const std::string& lane);
  void Forget(const std::string& key);
  std::optional<WorkItem> Take(const Call& call);
  void Done(const std::string& key);
  /// As QueueState's.
  [[nodiscard]] std::optional<SteadyTime> NextDue() const;
  [[nodiscard]] QueueNumbers Numbers() const;

 private:
  /// Until something is due, or another time is the next one.
  void Wait(std::unique_lock<std::mutex>& lock, const Call& call);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  QueueState state_;
};

}  // namespace etcdrestore
