#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "operator/adapters/kube/json_frames.h"
#include "operator/adapters/kube/kube_client.h"

namespace etcdrestore {

/// One watch stream: its bytes become events, and it tells when it must be taken for dead. One use,
/// one thread; borrows clock and
/// log.
class WatchStream {
 public:
  struct Deps {
    KubeType type;
    const Clock& clock;
    Logger& log;
    WatchLimits limits;
    std::string doing;  ///< begins the messages of errors
    std::function<void(KubeEvent)> event;
  };
  /// `initial_events`: it begins with a list.
  WatchStream(Deps deps, bool initial_events);
  ~WatchStream() = default;
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  /// Errors: that of an ERROR event, BadAnswer.
  Status Take(std::string_view bytes) { return frames_.Take(bytes); }
  /// To be asked from time to time. Errors, transient: InitialEventsLate, WatchSilent.
  [[nodiscard]] Status Alive() const;

 private:
  Status TakeFrame(KubeObject frame);
  void TakeBookmark(KubeObject bookmark);
  [[nodiscard]] SteadyTime In(Duration duration) const;

  const Deps deps_;
  JsonFrames frames_;
  std::optional<SteadyTime> silent_at_;  ///< from the first bookmark on
  std::optional<SteadyTime> late_at_;    ///< until the initial events are whole
};

}  // namespace etcdrestore
