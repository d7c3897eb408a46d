#pragma once

#include <string>

#include "operator/kubernetes/operator.h"
#include "operator/kubernetes/remote.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace etcdrestore {

/// What the commands that talk to a management cluster were given.
struct KubeArguments {
  OperatorOptions options;
  RemoteRequest remote;
};

/// Adds `operator`, `status`, `approve` and `cancel`.
void AddKubeCommands(CLI::App& app, KubeArguments& arguments);
bool IsKubeCommand(const CLI::App& app);
/// Runs the one that was given.
int RunKubeCommand(const Call& call, const CLI::App& app, const KubeArguments& arguments);

}  // namespace etcdrestore
