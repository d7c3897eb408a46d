#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/adapters/kube/kubeconfig.h"
#include "operator/ports/kube.h"

namespace etcdrestore::testing {

/// A real kube-apiserver 1.32.2 over a real etcd 3.5.35 on loopback ports, with RBAC and the CRD of
/// crds/. The programs lie in ${ETCDRESTORE_CACHE:-~/.cache/etcdrestore}/bin, where `make deps`
/// puts them. The destructor ends both and removes their folder. No controller manager: nothing is
/// collected, and namespaces do not go away.
class KubeServer {
 public:
  /// Error MissingProgram when they were not built: a test must fail on it, never skip.
  static Result<std::unique_ptr<KubeServer>> Start();
  ~KubeServer();
  KubeServer(const KubeServer&) = delete;
  KubeServer& operator=(const KubeServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// As a client certificate's user; "admin" in system:masters may everything.
  [[nodiscard]] KubeAccess Access(const std::string& user = "admin",
                                  const std::string& group = "system:masters") const;
  /// The same as a file, for a program; the folder is the server's own.
  [[nodiscard]] std::string Kubeconfig(const std::string& user = "admin",
                                       const std::string& group = "system:masters",
                                       int through_port = 0) const;
  /// As admin.
  [[nodiscard]] KubeApi& api() const { return *api_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// Creates every document of a YAML file as admin, through the API. `name_space` for those that
  /// say none.
  Status Apply(const std::string& path) const;
  /// Puts objects of a custom resource into the store past the API, as they are: whole and with
  /// their status, thousands in a second.
  [[nodiscard]] Status Store(const KubeType& type, const std::vector<KubeObject>& objects) const;
  /// The real kubectl as admin: what it said. Error KubectlFailed with its words.
  [[nodiscard]] Result<std::string> Kubectl(std::vector<std::string> arguments) const;
  /// What a shell said to a line that a person typed, and its exit code: `kubectl` is the real one,
  /// as admin. `plugins`: a folder that is on PATH too.
  struct Said {
    int code = -1;
    std::string text;
  };
  [[nodiscard]] Said Shell(const std::string& line, const std::string& plugins = "/bin") const;
  Status MakeNamespace(const std::string& name) const;
  /// Ends kube-apiserver and starts it again on the same port: it forgets the history of watches,
  /// so that older ones get 410.
  Status Restart();
  /// Its etcd answers nobody until it is resumed.
  void PauseStore();
  void ResumeStore();

 private:
  struct Certificates;
  KubeServer();
  Status StartApi();

  std::string folder_;
  std::unique_ptr<Certificates> certificates_;
  int etcd_port_ = 0;
  int port_ = 0;
  std::unique_ptr<KubeApi> api_;
};

}  // namespace etcdrestore::testing
