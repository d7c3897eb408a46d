#pragma once

#include "operator/ports/forwarding_kube.h"
#include "operator/runtime/leader.h"

namespace etcdrestore {

/// Reads as the other does; writes only while this process leads. Borrows both.
class FencedKube final : public ForwardingKube {
 public:
  FencedKube(KubeApi& api, const LeaderGuard& guard) : ForwardingKube(api), guard_(guard) {}
  /// Error LeaseLost. A request lives no longer than the Lease.
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    if (Status leads = guard_.Check(); !leads) return leads.error();
    return ForwardingKube::Write(call.Within(guard_.Left()), write);
  }

 private:
  const LeaderGuard& guard_;
};

}  // namespace etcdrestore
