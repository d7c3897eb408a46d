#pragma once

#include <string>

#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// The restored cluster's own API, as its administrator.
class ClusterApi {
 public:
  virtual ~ClusterApi() = default;
  /// Deletes a Node object; done when it is already gone. `kubeconfig` is the file rke wrote.
  virtual Status DeleteNode(const Call& call, const std::string& kubeconfig,
                            const std::string& name) = 0;
};

}  // namespace etcdrestore
