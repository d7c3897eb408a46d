#include "tests/support/kube_server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "operator/adapters/http/http_client.h"
#include "operator/adapters/kube/kube_client.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/base64.h"
#include "operator/base/files.h"
#include "tests/support/child_process.h"
#include "tests/support/sockets.h"
#include "tests/support/test_certificates.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

std::string Program(const std::string& name) {
  const char* cache = std::getenv("ETCDRESTORE_CACHE");
  const char* home = std::getenv("HOME");
  const std::string base =
      cache != nullptr ? cache : std::string(home != nullptr ? home : "") + "/.cache/etcdrestore";
  return base + "/bin/" + name;
}

struct KindPath {
  const char* kind;
  KubeType type;
  bool namespaced;
};
const KindPath kKinds[] = {
    {"CustomResourceDefinition",
     {"apiextensions.k8s.io", "v1", "customresourcedefinitions"},
     false},
    {"Namespace", {"", "v1", "namespaces"}, false},
    {"ServiceAccount", {"", "v1", "serviceaccounts"}, true},
    {"ConfigMap", kConfigMaps, true},
    {"Secret", kSecrets, true},
    {"ClusterRole", {"rbac.authorization.k8s.io", "v1", "clusterroles"}, false},
    {"ClusterRoleBinding", {"rbac.authorization.k8s.io", "v1", "clusterrolebindings"}, false},
    {"Role", {"rbac.authorization.k8s.io", "v1", "roles"}, true},
    {"RoleBinding", {"rbac.authorization.k8s.io", "v1", "rolebindings"}, true},
    {"EtcdRestore", kEtcdRestores, true},
};

Status ApplyOne(KubeApi& api, const KubeObject& object, const std::string& path) {
  for (const KindPath& one : kKinds) {
    if (object.value("kind", "") != one.kind) continue;
    const KubeObject metadata = object["metadata"];
    const KubeName name{one.namespaced ? metadata.value("namespace", "default") : "",
                        metadata.value("name", "")};
    auto wrote = api.Write({}, {KubeVerb::kApply, one.type, name, "", object});
    return wrote ? Status() : Status(wrote.error());
  }
  return Terminal("UnknownKind", path + ": " + object.value("kind", ""));
}

}  // namespace

struct KubeServer::Certificates {
  TestCa ca;
  std::map<std::string, CertificateAndKey> clients;
  ChildProcess etcd;
  ChildProcess apiserver;
  RealClock clock;
};

KubeServer::KubeServer() : certificates_(std::make_unique<Certificates>()) {}

KubeServer::~KubeServer() {
  certificates_->apiserver.Kill();
  certificates_->etcd.Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

KubeAccess KubeServer::Access(const std::string& user, const std::string& group) const {
  auto [client, fresh] = certificates_->clients.try_emplace(user + " " + group);
  if (fresh) client->second = certificates_->ca.IssueClient(user, group);
  KubeAccess access;
  access.server = "https://127.0.0.1:" + std::to_string(port_);
  access.ca.text = certificates_->ca.pem();
  access.client_cert.text = client->second.certificate;
  access.client_key.text = client->second.key;
  return access;
}

std::string KubeServer::Kubeconfig(const std::string& user, const std::string& group,
                                   int through_port) const {
  const KubeAccess access = Access(user, group);
  static int count = 0;
  const std::string base = folder_ + "/user-" + std::to_string(++count);
  (void)WriteFileAtomically(base + ".crt", access.client_cert.text);
  (void)WriteFileAtomically(base + ".key", access.client_key.text);
  const int port = through_port == 0 ? port_ : through_port;
  (void)WriteFileAtomically(
      base + ".yaml",
      "current-context: a\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:" +
          std::to_string(port) +
          "', certificate-authority: ca.crt}}]\nusers: [{name: u, user: "
          "{client-certificate: '" +
          base + ".crt', client-key: '" + base +
          ".key'}}]\n"
          "contexts: [{name: a, context: {cluster: c, user: u, namespace: etcdrestore-system}}]\n");
  return base + ".yaml";
}

void KubeServer::PauseStore() { certificates_->etcd.Signal(SIGSTOP); }
void KubeServer::ResumeStore() { certificates_->etcd.Signal(SIGCONT); }

Status KubeServer::StartApi() {
  const std::string program = Program("kubernetes-1.32.2/kube-apiserver");
  const std::string etcd = "http://127.0.0.1:" + std::to_string(etcd_port_);
  certificates_->apiserver = ChildProcess(
      {program, "--etcd-servers=" + etcd, "--secure-port=" + std::to_string(port_),
       "--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24",
       "--disable-admission-plugins=ServiceAccount", "--authorization-mode=RBAC",
       "--cert-dir=" + folder_ + "/certs", "--service-account-issuer=https://localhost",
       "--service-account-key-file=" + folder_ + "/server.crt",
       "--service-account-signing-key-file=" + folder_ + "/server.key",
       "--client-ca-file=" + folder_ + "/ca.crt", "--tls-cert-file=" + folder_ + "/server.crt",
       "--tls-private-key-file=" + folder_ + "/server.key"},
      folder_ + "/apiserver.log", {"HOME=" + folder_});
  const bool ready = certificates_->apiserver.WaitUntil(
      [&] {
        Call call;
        call = call.Within(2s);
        return api_->Get(call, {"", "v1", "namespaces"}, {"", "kube-system"}).has_value();
      },
      120s);
  if (ready) return {};
  return Terminal("NotStarted", "kube-apiserver does not start: " +
                                    certificates_->apiserver.Log().substr(0, 3000));
}

Result<std::unique_ptr<KubeServer>> KubeServer::Start() {
  for (const char* name : {"kubernetes-1.32.2/kube-apiserver", "etcd-3.5.35/etcd"}) {
    if (!FileExists(Program(name)))
      return Terminal("MissingProgram", Program(name) + " is missing: run make deps");
  }
  std::unique_ptr<KubeServer> server(new KubeServer());
  server->folder_ = (std::filesystem::temp_directory_path() / "kube-XXXXXX").string();
  if (mkdtemp(server->folder_.data()) == nullptr) return Terminal("NoFolder", server->folder_);
  const std::string& folder = server->folder_;
  const CertificateAndKey own = server->certificates_->ca.Issue("IP:127.0.0.1,DNS:localhost");
  (void)WriteFileAtomically(folder + "/ca.crt", server->certificates_->ca.pem());
  (void)WriteFileAtomically(folder + "/server.crt", own.certificate);
  (void)WriteFileAtomically(folder + "/server.key", own.key);
  server->etcd_port_ = FreePort();
  server->port_ = FreePort();
  const std::string client = "http://127.0.0.1:" + std::to_string(server->etcd_port_);
  const std::string peer = "http://127.0.0.1:" + std::to_string(FreePort());
  server->certificates_->etcd =
      ChildProcess({Program("etcd-3.5.35/etcd"), "--data-dir=" + folder + "/etcd",
                    "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
                    "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
                    "--initial-cluster=default=" + peer, "--unsafe-no-fsync",
                    "--experimental-watch-progress-notify-interval=1s"},
                   folder + "/etcd.log");
  KubeClientOptions options;
  options.field_manager = "test";
  server->api_ = MakeKubeClient(server->Access(), std::move(options), server->certificates_->clock);
  if (Status up = server->StartApi(); !up) return up.error();
  for (const char* name : {"etcdrestore-system", "recovery"}) {
    if (Status made = server->MakeNamespace(name); !made) return made.error();
  }
  if (Status crd = server->Apply(std::string(ETCDRESTORE_SOURCE_DIR) + "/crds/etcdrestores.yaml");
      !crd)
    return crd.error();
  const bool served = server->certificates_->apiserver.WaitUntil(
      [&] { return server->api_->List({}, kEtcdRestores, "", {}, [](KubeObject) {}).has_value(); });
  if (!served) return Terminal("NotStarted", "the CRD is not served");
  return server;
}

Status KubeServer::Apply(const std::string& path) const {
  const auto text = ReadFile(path);
  if (!text) return text.error();
  const auto documents = LoadYaml(*text, path);
  if (!documents) return documents.error();
  for (const YamlDocument& document : *documents) {
    if (Status applied = ApplyOne(*api_, document.value, path); !applied) return applied;
  }
  return {};
}

Status KubeServer::Store(const KubeType& type, const std::vector<KubeObject>& objects) const {
  constexpr std::size_t kAtOnce = 100;  // a transaction of etcd takes 128
  const auto client = HttpClient::Open({});
  if (!client) return client.error();
  for (std::size_t at = 0; at < objects.size(); at += kAtOnce) {
    KubeObject puts = KubeObject::array();
    for (std::size_t i = at; i < std::min(at + kAtOnce, objects.size()); ++i) {
      const KubeObject& metadata = objects[i]["metadata"];
      const std::string key = "/registry/" + type.group + "/" + type.plural + "/" +
                              metadata["namespace"].get<std::string>() + "/" +
                              metadata["name"].get<std::string>();
      puts.push_back({{"requestPut",
                       {{"key", EncodeBase64(key)}, {"value", EncodeBase64(objects[i].dump())}}}});
    }
    HttpRequest request;
    request.method = "POST";
    request.url = "http://127.0.0.1:" + std::to_string(etcd_port_) + "/v3/kv/txn";
    request.body = KubeObject{{"success", puts}}.dump();
    const auto answer = (*client)->Send(Call().Within(10s), request);
    if (!answer) return answer.error();
    if (answer->status != 200) return Terminal("StoreRefused", answer->body);
  }
  return {};
}

Result<std::string> KubeServer::Kubectl(std::vector<std::string> arguments) const {
  static int count = 0;
  const std::string program = Program("kubernetes-1.32.2/kubectl");
  if (!FileExists(program))
    return Terminal("MissingProgram", program + " is missing: run make deps");
  arguments.insert(arguments.begin(), {program, "--kubeconfig", Kubeconfig()});
  ChildProcess kubectl(arguments, folder_ + "/kubectl-" + std::to_string(++count) + ".log",
                       {"HOME=" + folder_});
  const int code = kubectl.Wait();
  if (code == 0) return kubectl.Log();
  return Terminal("KubectlFailed", "exit code " + std::to_string(code) + ": " + kubectl.Log());
}

KubeServer::Said KubeServer::Shell(const std::string& line, const std::string& plugins) const {
  static int count = 0;
  const std::string kubectl = Program("kubernetes-1.32.2/kubectl");
  if (!FileExists(kubectl)) return {-1, kubectl + " is missing: run make deps"};
  const std::string folders =
      std::filesystem::path(kubectl).parent_path().string() + ":" + plugins + ":/usr/bin:/bin";
  ChildProcess shell({"/bin/sh", "-c", line},
                     folder_ + "/shell-" + std::to_string(++count) + ".log",
                     {"HOME=" + folder_, "KUBECONFIG=" + Kubeconfig(), "PATH=" + folders});
  const int code = shell.Wait();
  return {code, shell.Log()};
}

Status KubeServer::MakeNamespace(const std::string& name) const {
  return ApplyOne(
      *api_, {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}}, name);
}

Status KubeServer::Restart() {
  certificates_->apiserver.Kill();
  return StartApi();
}

}  // namespace etcdrestore::testing
