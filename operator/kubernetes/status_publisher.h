#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "crds/etcd_restore.h"
#include "operator/kubernetes/insist.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// When a status may be written: at once when it is quiet, else two seconds after the last write.
/// Pure.
class Pacer {
 public:
  explicit Pacer(Duration gap = std::chrono::seconds(2)) : gap_(gap) {}
  [[nodiscard]] SteadyTime Due(SteadyTime now) const;
  void Wrote(SteadyTime now) { last_ = now; }

 private:
  Duration gap_;
  std::optional<SteadyTime> last_;
};

/// Writes the status of one object, by server-side apply, at most every two seconds and never what
/// is there already. Lives as long as a run. Thread safe.
class StatusPublisher {
 public:
  struct Deps {
    KubeApi& api;
    const Clock& clock;
    Logger& log;
    Duration gap = std::chrono::seconds(2);  ///< between two writes of what was offered
  };
  /// `object.raw["status"]` is what the server has.
  StatusPublisher(Deps deps, const EtcdRestore& object);
  ~StatusPublisher();
  StatusPublisher(const StatusPublisher&) = delete;
  StatusPublisher& operator=(const StatusPublisher&) = delete;

  /// Written soon by a thread of this object; a newer one takes its place.
  void Offer(nlohmann::ordered_json status);
  /// Written now, again and again until the call is over or the object is gone. What was offered
  /// before is dropped, also what is on its way.
  Status WriteNow(const Call& call, const nlohmann::ordered_json& status);

 private:
  struct Numbered {
    std::uint64_t number = 0;
    nlohmann::ordered_json status;
  };
  void Loop(const std::stop_token& stop);
  /// Unless a newer one has been taken since.
  Status Write(const Call& call, const Numbered& numbered);

  Deps deps_;
  KubeName name_;
  std::string uid_;
  std::mutex mutex_;  ///< guards the three below
  std::condition_variable_any wake_;
  std::optional<Numbered> pending_;
  std::uint64_t newest_ = 0;
  Pacer pacer_;
  std::mutex writing_;  ///< one write at a time, in order; guards the two below
  nlohmann::ordered_json written_;
  std::uint64_t last_ = 0;  ///< number of what was tried last
  std::jthread thread_;
};

}  // namespace etcdrestore
