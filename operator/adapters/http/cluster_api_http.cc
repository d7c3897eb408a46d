#include "operator/adapters/http/cluster_api_http.h"

#include "operator/adapters/http/http_client.h"
#include "operator/base/base64.h"

namespace etcdrestore {
namespace {

std::string Decoded(const std::string& text) { return DecodeBase64(text).value_or(""); }

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
      options.tls.ca_pem = Decoded(cluster.at("certificate-authority-data"));
      options.tls.client_cert_pem = Decoded(user.at("client-certificate-data"));
      options.tls.client_key_pem = Secret(Decoded(user.at("client-key-data")));
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
