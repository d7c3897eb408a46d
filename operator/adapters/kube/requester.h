#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "operator/adapters/kube/credentials.h"
#include "operator/adapters/kube/kube_client.h"

namespace etcdrestore {

/// Sends requests to one API server, with credentials, and again where that is safe. Borrows the
/// clock. Thread safe.
class Requester {
 public:
  Requester(KubeAccess access, KubeClientOptions options, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        credentials_(std::move(access), options_.user_agent, clock) {}

  /// Makes the request anew for each try.
  using Form = std::function<HttpRequest()>;
  /// One answer, 2xx; with fresh credentials a second time after a 401. Repeated where the server
  /// asks for it (Retry-After), and a GET without a sink also when its connection broke. A try
  /// takes at most `each`; the call alone limits the whole, pauses included.
  Result<HttpResponse> Ask(const Call& call, Duration each, const Form& form,
                           const std::string& doing);

 private:
  struct Attempt {
    Result<HttpResponse> response;
    std::string code;               ///< of HTTP; "<error>" for no answer
    std::optional<Duration> asked;  ///< the pause that the server asks for
  };
  Attempt Once(const Call& call, const HttpRequest& request, const std::string& doing);
  Attempt Send(const Call& call, const HttpRequest& request, const std::string& doing);
  void Warn(const HttpResponse& response);
  void Retried(const Attempt& attempt, const HttpRequest& request) const;

  const KubeClientOptions options_;
  const Clock& clock_;
  Credentials credentials_;
  std::mutex mutex_;              ///< guards the one below
  std::set<std::string> warned_;  ///< what was told already
};

}  // namespace etcdrestore
