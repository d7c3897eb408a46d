#include "operator/adapters/http/cluster_api_http.h"

#include "operator/adapters/http/http_client.h"
#include "operator/base/base64.h"

namespace etcdrestore {
namespace {

/// Never "": without a CA the client would trust those of this machine.
Result<std::string> Decoded(const nlohmann::ordered_json& entry, const std::string& field) {
  auto text = DecodeBase64(entry.at(field).get<std::string>());
  if (!text || text->empty())
    return Terminal("KubeconfigInvalid", field + " is empty or not base64; write the file anew");
  return std::move(*text);
}

Status ReadTls(const nlohmann::ordered_json& cluster, const nlohmann::ordered_json& user,
               TlsOptions& tls) {
  auto ca = Decoded(cluster, "certificate-authority-data");
  if (!ca) return ca.error();
  auto cert = Decoded(user, "client-certificate-data");
  if (!cert) return cert.error();
  auto key = Decoded(user, "client-key-data");
  if (!key) return key.error();
  tls.ca_pem = std::move(*ca);
  tls.client_cert_pem = std::move(*cert);
  tls.client_key_pem = Secret(std::move(*key));
  return {};
}

class HttpClusterApi final : public ClusterApi {
 public:
  explicit HttpClusterApi(KubeconfigReader read) : read_(std::move(read)) {}

  Status DeleteNode(const Call& call, const std::string& kubeconfig,
                    const std::string& name) override {
    auto config = read_(kubeconfig);
    if (!config) return config.error();
    HttpOptions options;
    std::string server;
    try {
      const auto& cluster = config->at("clusters").at(0).at("cluster");
      const auto& user = config->at("users").at(0).at("user");
      server = cluster.at("server");
      if (Status read = ReadTls(cluster, user, options.tls); !read)
        return read.error().In(kubeconfig);
    } catch (const nlohmann::json::exception& error) {
      return Terminal("KubeconfigInvalid",
                      kubeconfig + " is not a kubeconfig with certificates: " + error.what());
    }
    auto client = HttpClient::Open(std::move(options));
    if (!client) return client.error();
    HttpRequest request;
    request.method = "DELETE";
    request.url = server + "/api/v1/nodes/" + name;
    const auto response = (*client)->Send(call.Within(std::chrono::seconds(20)), request);
    if (!response) return response.error();
    if (response->status == 404 || (response->status >= 200 && response->status < 300)) return {};
    const std::string said = "delete Node " + name + " at " + server + ": " +
                             std::to_string(response->status) + " " + response->body.substr(0, 300);
    return response->status == 401 || response->status == 403 ? Terminal("ApiRefused", said)
                                                              : Transient("ApiRefused", said);
  }

 private:
  KubeconfigReader read_;
};

}  // namespace

std::unique_ptr<ClusterApi> MakeClusterApi(KubeconfigReader read) {
  return std::make_unique<HttpClusterApi>(std::move(read));
}

}  // namespace etcdrestore
