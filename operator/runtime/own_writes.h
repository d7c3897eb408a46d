#pragma once

#include <map>
#include <mutex>

#include "operator/ports/forwarding_kube.h"
#include "operator/runtime/object_cache.h"

namespace etcdrestore {

/// -1, 0 or 1 as the version is older, the same or newer, both of one type of object. Versions that
/// are no plain numbers can only be equal: nullopt when they differ.
std::optional<int> CompareVersions(const std::string& version, const std::string& other);

/// What the cache is worth for one object.
enum class Freshness {
  kSeen,    ///< it holds our last word, or something newer
  kNotYet,  ///< it will: look again in a moment
  kAsk,     ///< it should for a minute by now: only the server knows, and a Get through here tells
};

/// An API that remembers what was written to objects of one type, so that none of them is worked on
/// again before the cache has seen our own last word. Borrows the API and the clock. Thread safe.
///
/// What it remembers of an object is gone when the cache has seen it, or the object is gone.
class OwnWrites final : public ForwardingKube {
 public:
  OwnWrites(KubeApi& api, KubeType type, const Clock& clock)
      : ForwardingKube(api), type_(std::move(type)), clock_(clock) {}

  /// Of the object as it is cached.
  [[nodiscard]] Freshness Of(const KubeObject& cached);
  /// What the watch brought, for objects that no worker may ever look at again.
  void Changed(const KubeName& name, const CachedObject& now);
  void Forget(const KubeName& name);
  [[nodiscard]] std::size_t size() const;

  /// An object that we wrote to and the cache lacks is measured by this answer from then on: also a
  /// server that was put back to its past is believed.
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override;
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override;

 private:
  struct Written {
    std::string uid;
    std::string version;
    SteadyTime at{};
  };
  static bool Holds(const KubeObject& cached, const Written& ours);

  const KubeType type_;
  const Clock& clock_;
  mutable std::mutex mutex_;  ///< guards the one below
  std::map<KubeName, Written> written_;
};

}  // namespace etcdrestore
