#pragma once

#include <string>
#include <vector>

#include "operator/ports/kube.h"

namespace etcdrestore::testing {

/// EtcdRestore objects for a benchmark, in the namespace `recovery`. A failed request ends the
/// program.
class BenchObjects {
 public:
  explicit BenchObjects(KubeApi& api) : api_(api) {}

  /// Objects whose run succeeded, with the status that a real one leaves.
  void AddFinished(int count);
  /// Objects that name a Secret which is not there.
  void AddWaiting(int count);
  /// Makes paused objects one by one; the seconds from each request until another watcher sees its
  /// status.
  std::vector<double> ChangeToStatus(int count);
  void ClearPaused();
  /// Deletes all.
  void Clear();
  /// Size of a finished object as JSON, without managedFields.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void Create(const KubeObject& object);
  void Delete(const std::string& prefix);

  KubeApi& api_;
  int made_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace etcdrestore::testing
