#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/kube/kubeconfig.h"
#include "operator/base/clock.h"

namespace etcdrestore {

/// What to show the server, kept fresh: token files are read again every minute, client
/// certificates every five, exec plugins run again when their answer expires or was refused.
/// Thread safe.
class Credentials {
 public:
  Credentials(KubeAccess access, std::string user_agent, const Clock& clock);

  struct Current {
    std::shared_ptr<HttpClient> http;
    Secret token;  ///< "" for none
  };
  /// Errors: ExecPluginFailed, FileMissing, BadCertificate.
  Result<Current> Get(const Call& call);
  /// The server said 401 to these: the next Get asks the sources anew, unless others came in their
  /// place meanwhile.
  void Refuse(const Current& shown);

 private:
  Status ReadToken(const Call& call, SteadyTime now);
  Status RunPlugin(const Call& call, SteadyTime now);
  Status OpenClient(SteadyTime now);

  const KubeAccess access_;
  const std::string user_agent_;
  const Clock& clock_;
  std::mutex mutex_;
  Current current_;
  std::optional<SteadyTime> token_until_;   ///< nullopt: read it
  std::optional<SteadyTime> client_until_;  ///< nullopt: open it
  std::string cert_, key_;                  ///< of the present client
  std::string plugin_cert_, plugin_key_;
};

}  // namespace etcdrestore
