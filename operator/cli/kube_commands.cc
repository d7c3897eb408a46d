#include "operator/cli/kube_commands.h"

#include <CLI/CLI.hpp>

namespace etcdrestore {
namespace {

void AddAccess(CLI::App& command, OperatorOptions& options) {
  command.add_option("--kubeconfig", options.kubeconfig,
                     "kubeconfig of the management cluster (default: KUBECONFIG, then the pod's "
                     "service account, then ~/.kube/config)");
  command.add_option("--context", options.context, "context of the kubeconfig");
}

void AddOperator(CLI::App& app, OperatorOptions& options) {
  CLI::App* command =
      app.add_subcommand("operator", "watch EtcdRestore objects in a management cluster");
  AddAccess(*command, options);
  command->add_option("-n,--namespace", options.name_space,
                      "objects of this namespace alone (default: all)");
  command->add_option("--operator-namespace", options.own_name_space,
                      "where the Lease and the records of runs are kept (default: POD_NAMESPACE, "
                      "then the context's namespace)");
  command->add_option("--leader-elect-resource-name", options.lease, "name of the Lease")
      ->capture_default_str();
  command
      ->add_option("--max-concurrent-reconciles", options.workers,
                   "clusters that are restored at the same time")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--state-dir", options.state_dir, "where runs keep snapshots and rke's files")
      ->capture_default_str();
  command->add_option("--rke", options.rke, "rke program, needed for strategy Rebuild")
      ->capture_default_str();
  command->add_option("--metrics-bind-address", options.metrics_address, "host:port, 0 for none")
      ->capture_default_str();
  command
      ->add_option("--health-probe-bind-address", options.health_address, "host:port, 0 for none")
      ->capture_default_str();
  command->add_flag("--verbose", options.verbose, "log debug lines too");
}

}  // namespace

void AddKubeCommands(CLI::App& app, KubeArguments& arguments) {
  AddOperator(app, arguments.options);
}

bool IsKubeCommand(const CLI::App& app) { return app.got_subcommand("operator"); }

int RunKubeCommand(const Call& call, const CLI::App& /*app*/, const KubeArguments& arguments) {
  return RunOperator(call, arguments.options);
}

}  // namespace etcdrestore
