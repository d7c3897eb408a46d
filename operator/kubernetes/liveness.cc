#include "operator/kubernetes/liveness.h"

namespace etcdrestore {

Result<KubeListEnd> TickingKube::List(const Call& call, const KubeType& type,
                                      const std::string& name_space, const KubeListOptions& options,
                                      const std::function<void(KubeObject)>& item) {
  tick_.Now();
  auto end = ForwardingKube::List(call, type, name_space, options, [&](KubeObject object) {
    tick_.Now();
    item(std::move(object));
  });
  tick_.Now();
  return end;
}

Status TickingKube::Watch(const Call& call, const KubeType& type, const std::string& name_space,
                          const KubeWatchOptions& options,
                          const std::function<void(KubeEvent)>& event) {
  tick_.Now();
  Status end = ForwardingKube::Watch(call, type, name_space, options, [&](KubeEvent one) {
    tick_.Now();
    event(std::move(one));
  });
  tick_.Now();
  return end;
}

Duration TakersWatch::Neglect(const Takers& seen, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const bool waits = seen.due && *seen.due <= now && seen.busy < seen.all;
  if (!waits || seen.taken != taken_) since_.reset();
  taken_ = seen.taken;
  if (!waits) return {};
  if (!since_) since_ = now;
  return now - *since_;
}

}  // namespace etcdrestore
