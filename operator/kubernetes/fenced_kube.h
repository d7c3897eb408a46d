#pragma once

#include "operator/ports/kube.h"
#include "operator/runtime/leader.h"

namespace etcdrestore {

/// Reads as the other does; writes only while this process leads. Borrows both.
class FencedKube final : public KubeApi {
 public:
  FencedKube(KubeApi& api, const LeaderGuard& guard) : api_(api), guard_(guard) {}
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    return api_.Get(call, type, name);
  }
  Result<KubeListEnd> List(const Call& call, const KubeType& type, const std::string& name_space,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override {
    return api_.List(call, type, name_space, options, item);
  }
  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override {
    return api_.Watch(call, type, name_space, options, event);
  }
  /// Error LeaseLost. A request lives no longer than the Lease.
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    if (Status leads = guard_.Check(); !leads) return leads.error();
    return api_.Write(call.Within(guard_.Left()), write);
  }

 private:
  KubeApi& api_;
  const LeaderGuard& guard_;
};

}  // namespace etcdrestore
