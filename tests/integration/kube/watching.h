#pragma once

#include <condition_variable>
#include <memory>
#include <thread>

#include "operator/adapters/kube/kube_client.h"
#include "operator/runtime/reflector.h"

namespace etcdrestore::testing {

/// A reflector of ConfigMaps of namespace recovery, in a thread.
class Watching {
 public:
  /// `longest_pause`: tests that break hundreds of connections do not wait out the real back-off.
  explicit Watching(KubeAccess access, Duration longest_pause = std::chrono::seconds(60),
                    bool stream_lists = false);

  /// True when the cache comes to hold this value under that name ("": to hold none).
  bool Sees(const std::string& name, const std::string& value);
  /// Why lists and watches were begun anew.
  std::vector<std::string> restarts();
  /// How often an object was taken for gone.
  int gone();
  const ObjectCache& cache() const { return cache_; }

 private:
  void Changed(const ObjectChange& change);

  RealClock clock_;
  std::unique_ptr<KubeApi> api_;
  ObjectCache cache_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> restarts_;
  int gone_ = 0;
  std::unique_ptr<Reflector> reflector_;
  std::jthread thread_;
};

/// A ConfigMap of namespace recovery with that value under "key", made or changed.
void PutMap(const std::string& name, const std::string& value);
void RemoveMap(const std::string& name);

}  // namespace etcdrestore::testing
