#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "operator/ports/kube.h"

namespace etcdrestore::fakes {

/// What a fake says no to. May be replaced while other threads ask.
class Refusals {
 public:
  using Function = std::function<std::optional<Error>(const std::string& verb, const KubeType&,
                                                      const KubeName&)>;
  Refusals& operator=(Function function) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  std::optional<Error> operator()(const std::string& verb, const KubeType& type,
                                  const KubeName& name) const {
    Function function;
    {
      const std::lock_guard lock(mutex_);
      function = function_;
    }
    return function ? function(verb, type, name) : std::nullopt;
  }

 private:
  mutable std::mutex mutex_;
  Function function_;
};

/// An API server in memory: objects with uid, generation and resourceVersion, guarded replace,
/// apply and merge as far as the operator uses them. No watch, no schema, no roles: those are
/// tested against the real one. Thread safe.
class FakeKube final : public KubeApi {
 public:
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override;
  Result<KubeListEnd> List(const Call& call, const KubeType& type, const std::string& name_space,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override;
  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override;
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override;

  /// Asked before each request; an error is its answer.
  Refusals refuse;
  /// Hears of each request and the time that it was given.
  std::function<void(const Call& call, const std::string& verb)> seen;
  [[nodiscard]] std::optional<KubeObject> Find(const KubeType& type, const KubeName& name) const;
  /// Puts an object there as somebody else would.
  KubeObject Put(const KubeType& type, KubeObject object);
  void Remove(const KubeType& type, const KubeName& name);
  [[nodiscard]] std::vector<KubeWrite> writes() const;

 private:
  std::optional<Error> Refused(const std::string& verb, const KubeType& type, const KubeName& name);
  KubeObject& Store(const KubeType& type, const KubeName& name, KubeObject object);

  mutable std::mutex mutex_;
  std::map<std::string, std::map<KubeName, KubeObject>> objects_;
  std::vector<KubeWrite> writes_;
  int version_ = 0;
};

}  // namespace etcdrestore::fakes
