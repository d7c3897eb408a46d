#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// Bytes that stand in the kubeconfig itself or in a file, which may be replaced while we run.
struct PemSource {
  std::string text;
  std::string file;
  [[nodiscard]] bool empty() const { return text.empty() && file.empty(); }
};

/// A program that makes credentials (client.authentication.k8s.io).
struct ExecPlugin {
  std::string api_version;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value", in the place of ours
  std::string install_hint;
  bool provide_cluster = false;
};

/// How to reach one API server and as whom. A value.
struct KubeAccess {
  std::string server;           ///< https://host:port, without a slash at the end
  std::string tls_server_name;  ///< "" for the host
  std::string proxy_url;        ///< "" for what the environment says
  PemSource ca;
  PemSource client_cert;
  PemSource client_key;
  Secret token;
  std::string token_file;  ///< read again every minute; wins over token
  std::optional<ExecPlugin> exec;
  std::string name_space = "default";  ///< the context's; "" for a pod that does not know its own
};

/// The context of a kubeconfig: `--context`, else its current-context. `paths` as $KUBECONFIG has
/// them: the first file wins for each entry, missing ones are passed over unless there is only one.
/// Relative paths belong to their file's folder. Errors, terminal: KubeconfigMissing,
/// KubeconfigInvalid, KubeconfigUnsupported (what this program does not do is named, never
/// ignored).
Result<KubeAccess> ReadKubeconfig(const std::vector<std::string>& paths,
                                  const std::string& context);

/// The pod's own service account. Errors, terminal: NotInCluster; FileUnreadable for a namespace
/// that is there and cannot be read. `root` is where the files lie.
Result<KubeAccess> InClusterAccess(
    const std::string& root = "/var/run/secrets/kubernetes.io/serviceaccount");

/// The order of Kubernetes tools: the file given, else $KUBECONFIG, else in-cluster, else
/// ~/.kube/config.
Result<KubeAccess> FindAccess(const std::string& kubeconfig, const std::string& context);

}  // namespace etcdrestore
