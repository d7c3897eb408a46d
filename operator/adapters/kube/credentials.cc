#include "operator/adapters/kube/credentials.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "operator/adapters/http/url.h"
#include "operator/adapters/process/rke_cli.h"
#include "operator/adapters/process/subprocess.h"
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "operator/ports/kube.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

Error PluginFailed(const ExecPlugin& plugin, const std::string& what) {
  return Transient("ExecPluginFailed",
                   "credential plugin " + plugin.argv.front() + ": " + what +
                       (plugin.install_hint.empty() ? "" : ". " + plugin.install_hint));
}

Result<std::string> TextOf(const PemSource& source) {
  if (source.file.empty()) return source.text;
  return ReadFile(source.file, 1U << 20U);
}

Result<Secret> TokenIn(const std::string& path) {
  const auto text = ReadFile(path, 1U << 20U);
  if (!text) return text.error();
  constexpr const char* kBlank = " \t\r\n";
  const std::size_t first = text->find_first_not_of(kBlank);
  if (first == std::string::npos) return Transient("FileMissing", path + " is empty");
  return Secret(text->substr(first, text->find_last_not_of(kBlank) + 1 - first));
}

Json ClusterOf(const KubeAccess& access) {
  Json cluster = {{"server", access.server}};
  if (!access.tls_server_name.empty()) cluster["tls-server-name"] = access.tls_server_name;
  if (!access.proxy_url.empty()) cluster["proxy-url"] = access.proxy_url;
  const std::string ca = TextOf(access.ca).value_or("");
  if (!ca.empty()) cluster["certificate-authority-data"] = EncodeBase64(ca);
  return cluster;
}

/// Ours, with the plugin's in the place of those of the same name. Of two the first would count
/// for some programs and the last for others.
std::vector<std::string> EnvironmentFor(const ExecPlugin& plugin, const KubeAccess& access) {
  std::map<std::string, std::string> variables;
  const auto put = [&](const std::string& one) {
    const std::size_t name = std::min(one.find('='), one.size());
    variables[one.substr(0, name)] = one;
  };
  for (char** one = environ; *one != nullptr; ++one) put(*one);
  for (const std::string& one : plugin.environment) put(one);
  Json info = {{"apiVersion", plugin.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (plugin.provide_cluster) info["spec"]["cluster"] = ClusterOf(access);
  put("KUBERNETES_EXEC_INFO=" + info.dump());
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (auto& [name, one] : variables) environment.push_back(std::move(one));
  return environment;
}

/// The ExecCredential in a plugin's output; what it says besides is passed over.
Json CredentialIn(const std::string& output) {
  for (std::size_t at = output.find('{'); at != std::string::npos; at = output.find('{', at + 1)) {
    Json value = Json::parse(output.substr(at), nullptr, false);
    if (TextField(value, "kind") == "ExecCredential") return value;
    const std::size_t end = output.rfind('}');
    if (end == std::string::npos || end < at) break;
    Json shorter = Json::parse(output.substr(at, end + 1 - at), nullptr, false);
    if (TextField(shorter, "kind") == "ExecCredential") return shorter;
  }
  return nullptr;
}

}  // namespace

Credentials::Credentials(KubeAccess access, std::string user_agent, const Clock& clock)
    : access_(std::move(access)), user_agent_(std::move(user_agent)), clock_(clock) {}

Status Credentials::RunPlugin(const Call& call, SteadyTime now) {
  const ExecPlugin& plugin = *access_.exec;
  std::vector<std::string> argv = plugin.argv;
  argv.front() = FindProgram(argv.front());
  if (argv.front().empty()) return PluginFailed(plugin, "not found on PATH");
  std::string output;
  const auto ran =
      RunProcess(call.Within(60s), {argv,
                                    EnvironmentFor(plugin, access_),
                                    "",
                                    [&](const std::string& line) { output += line + "\n"; },
                                    {},
                                    {}});
  if (!ran) return ran.error().In("credential plugin");
  if (ran->exit_code != 0)
    return PluginFailed(plugin, "ended with code " + std::to_string(ran->exit_code));
  const Json credential = CredentialIn(output);
  const Json status = ObjectField(credential, "status");
  if (status.empty()) return PluginFailed(plugin, "printed no ExecCredential with a status");
  if (TextField(credential, "apiVersion") != plugin.api_version)
    return PluginFailed(plugin, "answered with another apiVersion than " + plugin.api_version);
  current_.token = Secret(TextField(status, "token"));
  plugin_cert_ = TextField(status, "clientCertificateData");
  plugin_key_ = TextField(status, "clientKeyData");
  if (current_.token.empty() && plugin_cert_.empty())
    return PluginFailed(plugin, "gave neither token nor certificate");
  const auto expires = ParseTime(TextField(status, "expirationTimestamp"));
  token_until_ =
      expires
          ? now + std::chrono::duration_cast<SteadyTime::duration>(*expires - clock_.Now() - 10s)
          : SteadyTime::max();
  return {};
}

Status Credentials::ReadToken(const Call& call, SteadyTime now) {
  if (token_until_ && now < *token_until_) return {};
  if (access_.exec) return RunPlugin(call, now);
  if (access_.token_file.empty()) {
    current_.token = access_.token;
    token_until_ = SteadyTime::max();
    return {};
  }
  const auto token = TokenIn(access_.token_file);
  // A token that cannot be read for a moment is no reason to give up the one we have.
  if (!token && current_.token.empty()) return token.error().In("service account token");
  if (token) current_.token = *token;
  token_until_ = now + 1min;
  return {};
}

Status Credentials::OpenClient(SteadyTime now) {
  const bool same = plugin_cert_.empty() || plugin_cert_ == cert_;
  if (current_.http && client_until_ && now < *client_until_ && same) return {};
  auto cert =
      plugin_cert_.empty() ? TextOf(access_.client_cert) : Result<std::string>(plugin_cert_);
  auto key = plugin_cert_.empty() ? TextOf(access_.client_key) : Result<std::string>(plugin_key_);
  if ((!cert || !key) && current_.http) return {};
  if (!cert) return cert.error().In("client certificate");
  if (!key) return key.error().In("client key");
  client_until_ = now + 5min;
  if (current_.http && *cert == cert_ && *key == key_) return {};
  HttpOptions options;
  options.user_agent = user_agent_;
  options.proxy = access_.proxy_url;
  options.tls.ca_pem = access_.ca.text;
  options.tls.ca_file = access_.ca.file;
  options.tls.client_cert_pem = *cert;
  options.tls.client_key_pem = Secret(*key);
  if (!access_.tls_server_name.empty()) {
    const auto url = ParseUrl(access_.server);
    if (!url) return url.error();
    options.connect_to = url->host + ":" + std::to_string(url->port == 0 ? 443 : url->port);
  }
  auto client = HttpClient::Open(std::move(options));
  if (!client) return client.error();
  current_.http = std::move(*client);
  cert_ = *cert;
  key_ = *key;
  return {};
}

Result<Credentials::Current> Credentials::Get(const Call& call) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  if (Status read = ReadToken(call, now); !read) return read.error();
  if (Status opened = OpenClient(now); !opened) return opened.error();
  return current_;
}

void Credentials::Refuse(const Current& shown) {
  const std::lock_guard lock(mutex_);
  const bool current =
      shown.http == current_.http && shown.token.Reveal() == current_.token.Reveal();
  if (!current) return;
  token_until_.reset();
  client_until_.reset();
}

}  // namespace etcdrestore
