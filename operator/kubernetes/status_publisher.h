#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "crds/etcd_restore.h"
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
  };
  /// `object.raw["status"]` is what the server has.
  StatusPublisher(Deps deps, const EtcdRestore& object);
  ~StatusPublisher();
  StatusPublisher(const StatusPublisher&) = delete;
  StatusPublisher& operator=(const StatusPublisher&) = delete;

  /// Written soon by a thread of this object; a newer one takes its place.
  void Offer(nlohmann::ordered_json status);
  /// Written now, again and again until the call is over. NotFound and Conflict end it: the object
  /// is gone. What was offered before is dropped.
  Status WriteNow(const Call& call, const nlohmann::ordered_json& status);

 private:
  void Loop(const std::stop_token& stop);
  Status Write(const Call& call, const nlohmann::ordered_json& status);

  Deps deps_;
  KubeName name_;
  std::string uid_;
  std::mutex mutex_;  ///< guards the two below
  std::condition_variable_any wake_;
  std::optional<nlohmann::ordered_json> pending_;
  Pacer pacer_;
  std::mutex writing_;  ///< one write at a time, in order; guards written_
  nlohmann::ordered_json written_;
  std::jthread thread_;
};

}  // namespace etcdrestore
