#include "operator/kubernetes/endpoints.h"

namespace etcdrestore {
namespace {

HttpAnswer Words(int status, const std::string& words) { return {status, "text/plain", words}; }

HttpAnswer MetricsAnswer(std::string text) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", std::move(text)};
}

}  // namespace

Result<std::unique_ptr<Endpoints>> Endpoints::Open(Deps deps, const OperatorOptions& options) {
  std::unique_ptr<Endpoints> endpoints(new Endpoints(std::move(deps), options.metrics_secure));
  if (Status up = endpoints->Listen(options.health_address, {}, endpoints->health_); !up)
    return up.error();
  auto tls = endpoints->FindIdentity(options);
  if (!tls) return tls.error();
  if (Status up = endpoints->Listen(options.metrics_address, *std::move(tls), endpoints->scrapes_);
      !up)
    return up.error();
  return endpoints;
}

Status Endpoints::Listen(const std::string& address, IdentitySource tls,
                         std::unique_ptr<HttpServer>& server) {
  if (address == "0" || address.empty()) return {};
  const bool known = static_cast<bool>(tls);
  auto opened = HttpServer::Open({address, std::move(tls)},
                                 [this, known](const Call& call, const HttpQuestion& question) {
                                   return known ? AnswerKnown(call, question) : Answer(question);
                                 });
  if (!opened) return opened.error();
  server = std::move(*opened);
  deps_.log.Info("Listening", {{"address", address}, {"port", std::to_string(server->port())}});
  return {};
}

/// Empty when metrics are plain, or off.
Result<IdentitySource> Endpoints::FindIdentity(const OperatorOptions& options) {
  if (!secure_ || options.metrics_address == "0" || options.metrics_address.empty())
    return IdentitySource();
  if (options.metrics_cert_path.empty()) {
    const auto pair = MakeSelfSigned(deps_.host, deps_.clock.Now());
    if (!pair) return pair.error();
    const auto identity = TlsIdentity::FromPem(*pair);
    if (!identity) return identity.error();
    return IdentitySource([own = *identity] { return own; });
  }
  auto files = CertificateFiles::Open({options.metrics_cert_path + "/" + options.metrics_cert_name,
                                       options.metrics_cert_path + "/" + options.metrics_cert_key,
                                       [this](const Status& read) { HeardOfFiles(read); }},
                                      deps_.clock);
  if (!files) return files.error();
  files_ = std::move(*files);
  return IdentitySource([this] { return files_->Current(); });
}

void Endpoints::HeardOfFiles(const Status& read) {
  deps_.certificate_read(read.has_value());
  const std::string fault = read ? "" : read.error().message;
  if (!fault.empty() && fault != told_) deps_.log.Warn("Bad certificate", {{"error", fault}});
  told_ = fault;
}

HttpAnswer Endpoints::Answer(const HttpQuestion& question) const {
  if (question.path == "/metrics" && !secure_) return MetricsAnswer(deps_.scrape());
  if (auto answer = AnswerProbe("/healthz", deps_.live, question)) return *std::move(answer);
  if (auto answer = AnswerProbe("/readyz", deps_.ready, question)) return *std::move(answer);
  return Words(404, secure_ ? "/healthz, /readyz\n" : "/metrics, /healthz, /readyz\n");
}

HttpAnswer Endpoints::AnswerKnown(const Call& call, const HttpQuestion& question) {
  if (question.path != "/metrics") return Words(404, "/metrics\n");
  const auto admission = guard_.Admit(call, question.bearer, question.path);
  if (!admission) {
    deps_.log.Warn("Scrape not reviewed",
                   {{"reason", admission.error().reason}, {"error", admission.error().message}});
    return Words(500,
                 "the API server could not say who you are; the operator's log has the rest\n");
  }
  switch (*admission) {
    case Admission::kUnknown:
      return Words(401, "want `Authorization: Bearer` with a token of this cluster\n");
    case Admission::kDenied:
      return Words(403, "bind the ClusterRole etcdrestore-metrics-reader to this token's owner\n");
    case Admission::kAdmitted:
      break;
  }
  return MetricsAnswer(deps_.scrape());
}

}  // namespace etcdrestore
