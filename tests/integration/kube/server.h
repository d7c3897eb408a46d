#pragma once

#include "tests/support/kube_server.h"

namespace etcdrestore::testing {

/// The one API server of this test program, started at the first use. Ends the program when it
/// cannot be started.
KubeServer& Server();

/// A kubeconfig for a server that asks for no credentials, as FaultProxy is one.
std::string PlainKubeconfig(const std::string& server);

/// The object of tests whose node, on 127.0.0.1, does not answer; its Secrets are made too.
KubeObject UnreachableRestore(const std::string& name, const std::string& cluster,
                              const std::string& run_id = "r1", int port = 1);

/// True as soon as the API server, which learns of roles a little after they are made, says that
/// the user may; false when it goes on to refuse. `what` as `kubectl auth can-i` takes it.
bool Allows(const std::string& user, const std::vector<std::string>& what);

/// On which ports the operator with this log listens: probes, metrics.
std::vector<int> PortsIn(const std::string& log);

}  // namespace etcdrestore::testing
