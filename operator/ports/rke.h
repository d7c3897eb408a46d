#pragma once

#include <functional>
#include <string>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// What one `rke up` did, judged by exit code and finish line together (facts/rke.md 1.7).
struct RkeResult {
  bool finished = false;
  std::string log_path;   ///< everything it said
  std::string last_line;  ///< for the message when it did not finish
};

/// Makes the cluster's containers and certificates anew on nodes whose etcd data is restored.
class ClusterRebuilder {
 public:
  virtual ~ClusterRebuilder() = default;
  /// "v1.8.0". Errors: RkeMissing, RkeUnusable (terminal), naming the path and what to install.
  virtual Result<std::string> Version(const Call& call) = 0;
  /// Runs `rke up --config <config_path>`; cluster.rkestate lies beside it. `line` gets each line
  /// it logs, `alive` is called about every second and ends rke with its whole process group when
  /// it returns an error. Errors: RkeFailed (transient), Interrupted, DeadlineExceeded.
  virtual Result<RkeResult> Up(const Call& call, const std::string& config_path,
                               const std::function<void(const std::string&)>& line,
                               const std::function<Status()>& alive) = 0;
};

}  // namespace etcdrestore
