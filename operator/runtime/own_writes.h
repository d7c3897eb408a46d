#pragma once

#include <map>
#include <mutex>

#include "operator/ports/forwarding_kube.h"

namespace etcdrestore {

/// -1, 0 or 1 as the version is older, the same or newer, both of one type of object. Versions that
/// are no plain numbers can only be equal: nullopt when they differ.
std::optional<int> CompareVersions(const std::string& version, const std::string& other);

/// An API that remembers what was written to objects of one type, so that none of them is worked on
/// again before the cache has seen our own last word. Borrows the API and the clock. Thread safe.
class OwnWrites final : public ForwardingKube {
 public:
  OwnWrites(KubeApi& api, KubeType type, const Clock& clock)
      : ForwardingKube(api), type_(std::move(type)), clock_(clock) {}

  /// False while the object, as it is cached, is older than what we wrote. A write is waited for a
  /// minute at most: a server that was put back to its past never comes to it.
  [[nodiscard]] bool SeenIn(const KubeObject& cached);
  void Forget(const KubeName& name);

  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override;

 private:
  struct Written {
    std::string uid;
    std::string version;
    SteadyTime at{};
  };
  const KubeType type_;
  const Clock& clock_;
  std::mutex mutex_;  ///< guards the one below
  std::map<KubeName, Written> written_;
};

}  // namespace etcdrestore
