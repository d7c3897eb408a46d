#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/adapters/metrics/certificate_files.h"
#include "operator/adapters/metrics/http_server.h"
#include "operator/base/log.h"
#include "operator/kubernetes/health_checks.h"
#include "operator/kubernetes/operator.h"
#include "operator/kubernetes/scrape_guard.h"

namespace etcdrestore {

/// What the operator answers over http: /healthz and /readyz for the kubelet, /metrics for
/// Prometheus. Two servers, a thread each. When metrics are secure they are given through TLS to
/// those whom the roles of the cluster allow it, and by no other way; probes stay plain and open.
class Endpoints {
 public:
  /// The functions are called in the servers' threads; what is referred to is borrowed.
  struct Deps {
    const Clock& clock;
    Logger& log;
    KubeApi& api;                    ///< not fenced: a process that does not lead is scraped too
    std::string host;                ///< of this machine, for a certificate of its own
    std::vector<HealthCheck> live;   ///< the loops come back
    std::vector<HealthCheck> ready;  ///< the objects are known
    std::function<std::string()> scrape;  ///< the text of /metrics
    std::function<void(bool fine)> certificate_read;
  };
  /// Listens until the end of the object. Errors AddressInUse, FileMissing, FileUnreadable,
  /// BadCertificate.
  static Result<std::unique_ptr<Endpoints>> Open(Deps deps, const OperatorOptions& options);

 private:
  Endpoints(Deps deps, bool secure)
      : deps_(std::move(deps)), secure_(secure), guard_(deps_.api, deps_.clock) {}
  Status Listen(const std::string& address, IdentitySource tls,
                std::unique_ptr<HttpServer>& server);
  Result<IdentitySource> FindIdentity(const OperatorOptions& options);
  void HeardOfFiles(const Status& read);
  HttpAnswer Answer(const HttpQuestion& question) const;
  HttpAnswer AnswerKnown(const Call& call, const HttpQuestion& question);

  const Deps deps_;
  const bool secure_;
  // These three belong to the thread of the metrics' server.
  ScrapeGuard guard_;
  std::unique_ptr<CertificateFiles> files_;
  std::string told_;  ///< the fault of the files that was logged last
  std::unique_ptr<HttpServer> health_;
  std::unique_ptr<HttpServer> scrapes_;
};

}  // namespace etcdrestore
