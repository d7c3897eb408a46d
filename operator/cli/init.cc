#include "operator/cli/init.h"

#include <cstdlib>
#include <filesystem>

#include "operator/adapters/manifests/cluster_text.h"
#include "operator/adapters/yaml/yaml_emitter.h"
#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Json Object(const char* kind, const std::string& name, const char* field, const Json& data) {
  Json object = {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", name}}}};
  object[field] = data;
  return object;
}

/// https://host[:port]/bucket[/prefix] or s3://bucket[/prefix].
Result<Json> S3Source(const InitOptions& options, const std::string& secret) {
  std::string rest = options.s3;
  std::string endpoint = "https://s3.amazonaws.com";
  if (rest.starts_with("s3://")) {
    rest = rest.substr(5);
  } else {
    const std::size_t scheme = rest.find("://");
    const std::size_t host_end =
        scheme == std::string::npos ? std::string::npos : rest.find('/', scheme + 3);
    if (host_end == std::string::npos) {
      return Terminal(
          "BadOption",
          "--s3 " + options.s3 + ": give s3://bucket/prefix or https://endpoint/bucket/prefix");
    }
    endpoint = rest.substr(0, host_end);
    rest = rest.substr(host_end + 1);
  }
  const std::size_t slash = rest.find('/');
  Json source = {{"endpoint", endpoint},
                 {"region", options.region.empty() ? "us-east-1" : options.region},
                 {"bucket", rest.substr(0, slash)}};
  if (slash != std::string::npos && slash + 1 < rest.size())
    source["prefix"] = rest.substr(slash + 1);
  source["forcePathStyle"] = !options.s3.starts_with("s3://");
  source["credentials"] = {{"secretRef", {{"name", secret}}}};
  return Json{{"s3", source}};
}

struct Parts {
  std::vector<Json> documents;
  Json spec;
};

Status AddS3(const InitOptions& options, const std::string& name, Parts& parts) {
  auto source = S3Source(options, name + "-s3");
  if (!source) return source.error();
  parts.spec["sources"].push_back(*source);
  const std::string access = Variable("AWS_ACCESS_KEY_ID");
  const std::string secret = Variable("AWS_SECRET_ACCESS_KEY");
  if (access.empty() || secret.empty()) {
    return Terminal("BadOption",
                    "--s3 needs the keys in the environment: export AWS_ACCESS_KEY_ID=… "
                    "AWS_SECRET_ACCESS_KEY=… (they are never taken from the command line)");
  }
  Json data = {{"accessKeyID", access}, {"secretAccessKey", secret}};
  if (const std::string token = Variable("AWS_SESSION_TOKEN"); !token.empty())
    data["sessionToken"] = token;
  parts.documents.push_back(Object("Secret", name + "-s3", "stringData", data));
  return {};
}

Status AddSsh(const InitOptions& options, const ClusterConfig& config, const std::string& name,
              Parts& parts) {
  Json ssh = Json::object();
  for (const ClusterNode& node : config.nodes) {
    std::string path = node.ssh_key_path;
    if (path.starts_with("~/")) path = Variable("HOME") + path.substr(1);
    const auto key =
        path.empty() ? Result<std::string>(Terminal("", "")) : ReadFile(path, 1U << 20U);
    if (!key || ssh.contains("privateKey")) continue;
    parts.documents.push_back(
        Object("Secret", name + "-ssh", "stringData", {{"ssh-privatekey", *key}}));
    ssh["privateKey"] = {{"secretRef", {{"name", name + "-ssh"}, {"key", "ssh-privatekey"}}}};
  }
  const std::string path =
      options.known_hosts.empty() ? Variable("HOME") + "/.ssh/known_hosts" : options.known_hosts;
  const auto hosts = ReadFile(path);
  if (!hosts && !options.known_hosts.empty()) return hosts.error().In("--known-hosts");
  if (hosts) {
    parts.documents.push_back(
        Object("ConfigMap", name + "-known-hosts", "data", {{"known_hosts", *hosts}}));
    ssh["knownHosts"] = {
        {"configMapRef", {{"name", name + "-known-hosts"}, {"key", "known_hosts"}}}};
  }
  if (!ssh.empty()) parts.spec["ssh"] = ssh;
  return {};
}

}  // namespace

Result<std::string> MakeManifest(const InitOptions& options, SystemTime now) {
  auto text = ReadFile(options.config);
  if (!text) return text.error().In("--config");
  auto config = ParseClusterConfigText(*text, options.config);
  if (!config) return config.error();
  const std::filesystem::path path(options.config);
  std::string cluster = options.cluster_name;
  if (cluster.empty()) cluster = config->raw.value("cluster_name", path.stem().string());
  const std::string name = options.name.empty() ? cluster + "-restore" : options.name;

  Parts parts;
  Json files = {{"cluster.yml", *text}};
  Json rke = {
      {"clusterConfig", {{"secretRef", {{"name", name + "-rke"}, {"key", "cluster.yml"}}}}}};
  const std::string state_path = (path.parent_path() / path.stem()).string() + ".rkestate";
  if (const auto state = ReadFile(state_path)) {
    files["cluster.rkestate"] = *state;
    rke["clusterState"] = {{"secretRef", {{"name", name + "-rke"}, {"key", "cluster.rkestate"}}}};
  }
  parts.spec = {{"clusterName", cluster}, {"rke", rke}};
  parts.documents.push_back(Object("Secret", name + "-rke", "stringData", files));
  if (Status added = AddSsh(options, *config, name, parts); !added) return added.error();
  parts.spec["snapshot"] =
      options.snapshot.empty() ? Json{{"latest", "Verified"}} : Json{{"name", options.snapshot}};
  parts.spec["sources"] = Json::array();
  if (!options.s3.empty()) {
    if (Status added = AddS3(options, name, parts); !added) return added.error();
  }
  parts.spec["sources"].push_back({{"nodes", {{"directory", "/opt/rke/etcd-snapshots"}}}});
  parts.spec["strategy"] = options.strategy;
  std::string run_id = FormatTime(now);
  for (char& c : run_id) c = c == ':' ? '-' : c;
  parts.spec["runID"] = run_id;
  const Json object = {{"apiVersion", "etcdrestore.io/v1alpha1"},
                       {"kind", "EtcdRestore"},
                       {"metadata", {{"name", name}}},
                       {"spec", parts.spec}};
  std::string out =
      "# Holds keys: keep it as safe as they are. Check it, then: etcdrestore plan -f <this "
      "file>\n" +
      EmitYaml(object);
  for (const Json& document : parts.documents) out += "---\n" + EmitYaml(document);
  return out;
}

}  // namespace etcdrestore
