#pragma once

#include "operator/ports/kube.h"

namespace etcdrestore {

/// An API that passes every call on to another, which it borrows: for those that add to one of
/// them.
class ForwardingKube : public KubeApi {
 public:
  explicit ForwardingKube(KubeApi& api) : api_(api) {}

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
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    return api_.Write(call, write);
  }

 private:
  KubeApi& api_;
};

}  // namespace etcdrestore
