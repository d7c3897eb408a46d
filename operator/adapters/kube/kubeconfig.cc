#include "operator/adapters/kube/kubeconfig.h"

#include <cstdlib>
#include <filesystem>

#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "operator/ports/kube.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Entry {
  Json value;
  std::string folder;  ///< of the file that it stands in
};

Error Invalid(const std::string& what) { return Terminal("KubeconfigInvalid", what); }
Error Unsupported(const std::string& what) { return Terminal("KubeconfigUnsupported", what); }

/// All files merged as kubectl does it: the first one that has an entry wins.
struct Merged {
  std::string current;
  std::map<std::string, Entry> clusters, users, contexts;
};

void Take(const Json& file, const std::string& folder, const char* list, const char* field,
          std::map<std::string, Entry>& into) {
  for (const Json& entry : file.value(list, Json::array())) {
    if (entry.is_object() && entry.contains(field) && entry[field].is_object())
      into.emplace(TextField(entry, "name"), Entry{entry[field], folder});
  }
}

Result<Merged> Merge(const std::vector<std::string>& paths) {
  Merged merged;
  bool any = false;
  for (const std::string& path : paths) {
    if (path.empty() || (paths.size() > 1 && !FileExists(path))) continue;
    const auto text = ReadFile(path, 4U << 20U);
    if (!text) return Terminal("KubeconfigMissing", "kubeconfig " + text.error().message);
    const auto documents = LoadYaml(*text, path);
    if (!documents) return Invalid(documents.error().message);
    if (documents->size() != 1 || !documents->front().value.is_object())
      return Invalid(path + ": want one document, a kubeconfig");
    const Json& file = documents->front().value;
    const std::string folder = fs::absolute(path).parent_path();
    if (merged.current.empty()) merged.current = TextField(file, "current-context");
    Take(file, folder, "clusters", "cluster", merged.clusters);
    Take(file, folder, "users", "user", merged.users);
    Take(file, folder, "contexts", "context", merged.contexts);
    any = true;
  }
  if (!any) return Terminal("KubeconfigMissing", "none of the files in $KUBECONFIG is there");
  return merged;
}

/// The field with -data (base64 text) wins over the one that names a file.
Result<PemSource> Pem(const Entry& entry, const std::string& name) {
  const std::string data = TextField(entry.value, (name + "-data").c_str());
  if (!data.empty()) {
    auto text = DecodeBase64(data);
    if (!text) return Invalid(name + "-data is not base64");
    return PemSource{std::move(*text), ""};
  }
  const std::string file = TextField(entry.value, name.c_str());
  return PemSource{"", file.empty() ? "" : (fs::path(entry.folder) / file).string()};
}

/// Left out and left empty mean false, as for Kubernetes' own tools.
Result<bool> Flag(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) return Invalid(std::string(name) + ": want true or false");
  return found->get<bool>();
}

Result<ExecPlugin> Exec(const Json& exec, const std::string& folder) {
  ExecPlugin plugin;
  plugin.api_version = TextField(exec, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1")
    return Unsupported("exec plugin: apiVersion " + plugin.api_version +
                       " is unknown; want client.authentication.k8s.io/v1 or v1beta1");
  if (TextField(exec, "interactiveMode") == "Always")
    return Unsupported("exec plugin: interactiveMode Always cannot work in an operator");
  std::string command = TextField(exec, "command");
  if (command.empty()) return Invalid("exec plugin: command is missing");
  if (command.find('/') != std::string::npos) command = (fs::path(folder) / command).string();
  plugin.argv.push_back(command);
  for (const Json& word : exec.value("args", Json::array())) {
    if (word.is_string()) plugin.argv.push_back(word.get<std::string>());
  }
  const auto env = exec.find("env");
  if (env != exec.end() && env->is_array()) {
    for (const Json& one : *env)
      plugin.environment.push_back(TextField(one, "name") + "=" + TextField(one, "value"));
  }
  plugin.install_hint = TextField(exec, "installHint");
  const auto provide = Flag(exec, "provideClusterInfo");
  if (!provide) return provide.error().In("exec plugin");
  plugin.provide_cluster = *provide;
  return plugin;
}

Status ReadCluster(const Entry& entry, KubeAccess& access) {
  const Json& cluster = entry.value;
  access.server = TextField(cluster, "server");
  while (access.server.ends_with('/')) access.server.pop_back();
  if (access.server.empty()) return Invalid("the cluster has no server");
  access.tls_server_name = TextField(cluster, "tls-server-name");
  const auto insecure = Flag(cluster, "insecure-skip-tls-verify");
  if (!insecure) return insecure.error();
  if (*insecure)
    return Unsupported(
        "insecure-skip-tls-verify: the operator reads Secrets and does not talk to a server that "
        "it cannot tell from another; give certificate-authority-data");
  access.proxy_url = TextField(cluster, "proxy-url");
  const std::string scheme = access.proxy_url.substr(0, access.proxy_url.find("://"));
  if (!scheme.empty() && scheme != "http" && scheme != "https" && scheme != "socks5")
    return Invalid("proxy-url: want http, https or socks5, not " + scheme);
  // As Kubernetes' own tools do it, the proxy resolves the server's name.
  if (scheme == "socks5") access.proxy_url.replace(0, scheme.size(), "socks5h");
  auto ca = Pem(entry, "certificate-authority");
  if (!ca) return ca.error();
  access.ca = std::move(*ca);
  return {};
}

Status ReadUser(const Entry& entry, KubeAccess& access) {
  const Json& user = entry.value;
  for (const char* name : {"username", "password", "auth-provider", "as", "as-groups", "as-uid"}) {
    if (user.contains(name))
      return Unsupported(std::string("user field ") + name +
                         " is not supported: use a client certificate, a token or an exec plugin");
  }
  auto cert = Pem(entry, "client-certificate");
  if (!cert) return cert.error();
  auto key = Pem(entry, "client-key");
  if (!key) return key.error();
  access.client_cert = std::move(*cert);
  access.client_key = std::move(*key);
  if (access.client_cert.empty() != access.client_key.empty())
    return Invalid("the user has one of client-certificate and client-key without the other");
  access.token = Secret(TextField(user, "token"));
  const std::string file = TextField(user, "tokenFile");
  access.token_file = file.empty() ? "" : (fs::path(entry.folder) / file).string();
  if (!user.contains("exec") || !user["exec"].is_object()) return {};
  auto plugin = Exec(user["exec"], entry.folder);
  if (!plugin) return plugin.error();
  access.exec = std::move(*plugin);
  return {};
}

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<KubeAccess> ReadKubeconfig(const std::vector<std::string>& paths,
                                  const std::string& context) {
  auto merged = Merge(paths);
  if (!merged) return merged.error();
  const std::string wanted = context.empty() ? merged->current : context;
  const auto chosen = merged->contexts.find(wanted);
  if (chosen == merged->contexts.end()) {
    std::string known;
    for (const auto& [name, unused] : merged->contexts) known += (known.empty() ? "" : ", ") + name;
    return Invalid("context '" + wanted + "' is not in the kubeconfig; there are: " + known);
  }
  const auto cluster = merged->clusters.find(TextField(chosen->second.value, "cluster"));
  if (cluster == merged->clusters.end())
    return Invalid("context " + wanted + " names a cluster that is not there");
  KubeAccess access;
  if (Status read = ReadCluster(cluster->second, access); !read) return read.error();
  const auto user = merged->users.find(TextField(chosen->second.value, "user"));
  if (user != merged->users.end()) {
    if (Status read = ReadUser(user->second, access); !read) return read.error();
  }
  const bool credentials = !access.token.empty() || !access.token_file.empty() ||
                           !access.client_cert.empty() || access.exec.has_value();
  if (credentials && !access.server.starts_with("https://"))
    return Invalid(access.server + ": credentials are sent over https only");
  const std::string space = TextField(chosen->second.value, "namespace");
  if (!space.empty()) access.name_space = space;
  return access;
}

Result<KubeAccess> InClusterAccess(const std::string& root) {
  std::string host = Env("KUBERNETES_SERVICE_HOST");
  const std::string port = Env("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty() || !FileExists(root + "/token"))
    return Terminal("NotInCluster", "this is no pod with a service account: no " + root +
                                        "/token or no KUBERNETES_SERVICE_HOST");
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const auto space = ReadFile(root + "/namespace");
  if (!space && space.error().reason != "FileMissing")
    return space.error().In("the pod's own namespace");
  KubeAccess access;
  access.server = "https://" + host + ":" + port;
  access.ca.file = root + "/ca.crt";
  access.token_file = root + "/token";
  access.name_space = space.value_or("");
  return access;
}

Result<KubeAccess> FindAccess(const std::string& kubeconfig, const std::string& context) {
  if (!kubeconfig.empty()) return ReadKubeconfig({kubeconfig}, context);
  std::vector<std::string> paths;
  std::string list = Env("KUBECONFIG");
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    paths.push_back(list.substr(0, end));
    list.erase(0, std::min(end + 1, list.size()));
  }
  if (!paths.empty()) return ReadKubeconfig(paths, context);
  auto inside = InClusterAccess();
  if (inside || inside.error().reason != "NotInCluster") return inside;
  const std::string own = Env("HOME") + "/.kube/config";
  if (FileExists(own)) return ReadKubeconfig({own}, context);
  return Terminal("KubeconfigMissing",
                  "no way to an API server: give --kubeconfig FILE or set KUBECONFIG (" +
                      inside.error().message + "; no ~/.kube/config)");
}

}  // namespace etcdrestore
