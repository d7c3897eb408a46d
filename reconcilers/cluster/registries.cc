#include "reconcilers/cluster/registries.h"

#include "operator/base/base64.h"

namespace etcdrestore {
namespace {

constexpr const char* kDockerHub = "docker.io";

/// "https://reg.example.com:5000/team" -> "reg.example.com:5000".
std::string HostOf(std::string url) {
  if (const auto scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
  return url.substr(0, url.find('/'));
}

std::string TextOf(const nlohmann::ordered_json& registry, const char* name) {
  const auto found = registry.find(name);
  return found != registry.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string RegistryOf(const std::string& image) {
  const std::size_t slash = image.find('/');
  if (slash == std::string::npos) return kDockerHub;
  const std::string first = image.substr(0, slash);
  const bool is_host = first == "localhost" || first.find_first_of(".:") != std::string::npos;
  return is_host ? first : kDockerHub;
}

std::optional<Secret> DockerLogin(const ClusterConfig& config, const std::string& image) {
  const std::string wanted = RegistryOf(image);
  for (const nlohmann::ordered_json& registry : config.private_registries) {
    const std::string host = HostOf(TextOf(registry, "url"));
    if ((host.empty() ? kDockerHub : host) != wanted) continue;
    const std::string user = TextOf(registry, "user");
    if (user.empty()) return Secret("{}");
    const std::string name = wanted == kDockerHub ? "https://index.docker.io/v1/" : wanted;
    const std::string auth = EncodeBase64(user + ":" + TextOf(registry, "password"));
    return Secret(nlohmann::json{{"auths", {{name, {{"auth", auth}}}}}}.dump());
  }
  return std::nullopt;
}

}  // namespace etcdrestore
