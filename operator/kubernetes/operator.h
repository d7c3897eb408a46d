#pragma once

#include <string>

#include "operator/base/call.h"
#include "operator/kubernetes/operator_log.h"

namespace etcdrestore {

struct OperatorOptions {
  std::string kubeconfig;  ///< "" for $KUBECONFIG, in-cluster, ~/.kube/config
  std::string context;
  std::string name_space;      ///< objects of this namespace alone; "" for all
  std::string own_name_space;  ///< Lease, ledger, copies of inputs; "" for the context's own
  std::string lease = "etcdrestore-operator";
  std::string state_dir = "/var/lib/etcdrestore";
  std::string rke = "rke";
  std::string identity;                   ///< "" for <host>_<random>
  std::string metrics_address = ":8080";  ///< "0": off
  std::string health_address = ":8081";   ///< "0": off
  bool metrics_secure = false;            ///< through TLS, to whom the cluster's roles allow it
  std::string metrics_cert_path;          ///< folder of the pair; "": one of its own making
  std::string metrics_cert_name = "tls.crt";
  std::string metrics_cert_key = "tls.key";
  std::string version = "dev";
  std::string revision = "unknown";  ///< of the source
  int workers = 4;
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
  bool leader_elect = true;  ///< false is refused: what fences two processes is the Lease
  bool http2 = false;        ///< true is refused: HTTP/1.1 alone is served
  LogOptions log;
};

/// Error InvalidOptions: options that do not go together, in words for who typed them. Pure.
Status CheckOptions(const OperatorOptions& options);

/// Kubernetes mode: watches EtcdRestore objects and runs them while this process leads. Returns the
/// exit code: 0 after a clean stop, 1 when it could not begin. A lost Lease ends the process at
/// once, with code 1.
int RunOperator(const Call& call, const OperatorOptions& options);

}  // namespace etcdrestore
