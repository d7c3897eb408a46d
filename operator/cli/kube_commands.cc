#include "operator/cli/kube_commands.h"

#include <CLI/CLI.hpp>

namespace etcdrestore {
namespace {

void AddAccess(CLI::App& command, std::string& kubeconfig, std::string& context) {
  command.add_option("--kubeconfig", kubeconfig,
                     "kubeconfig of the management cluster (default: KUBECONFIG, then the pod's "
                     "service account, then ~/.kube/config)");
  command.add_option("--context", context, "context of the kubeconfig");
}

void AddOperator(CLI::App& app, OperatorOptions& options) {
  CLI::App* command =
      app.add_subcommand("operator", "watch EtcdRestore objects in a management cluster");
  AddAccess(*command, options.kubeconfig, options.context);
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

CLI::App* AddRemote(CLI::App& app, const char* name, const char* text, RemoteRequest& request) {
  CLI::App* command = app.add_subcommand(name, text);
  AddAccess(*command, request.kubeconfig, request.context);
  command->add_option("-n,--namespace", request.name_space, "default: the context's");
  command->add_option("name", request.name, "name of the EtcdRestore");
  return command;
}

}  // namespace

void AddKubeCommands(CLI::App& app, KubeArguments& arguments) {
  AddOperator(app, arguments.options);
  RemoteRequest& remote = arguments.remote;
  AddRemote(app, "status", "show EtcdRestore objects of a management cluster", remote)
      ->add_flag("--json", remote.json, "print the objects");
  CLI::App* approve = AddRemote(app, "approve", "let a run go on that waits for approval", remote);
  approve->get_option("name")->required();
  approve->add_option("--plan-hash", remote.plan_hash, "hash of the plan that you have read");
  AddRemote(app, "cancel", "ask a run to stop at the next safe point", remote)
      ->get_option("name")
      ->required();
}

bool IsKubeCommand(const CLI::App& app) {
  return app.got_subcommand("operator") || app.got_subcommand("status") ||
         app.got_subcommand("approve") || app.got_subcommand("cancel");
}

int RunKubeCommand(const Call& call, const CLI::App& app, const KubeArguments& arguments) {
  if (app.got_subcommand("operator")) return RunOperator(call, arguments.options);
  RemoteRequest request = arguments.remote;
  request.version = arguments.options.version;
  if (app.got_subcommand("approve")) request.what = RemoteRequest::What::kApprove;
  if (app.got_subcommand("cancel")) request.what = RemoteRequest::What::kCancel;
  return RunRemote(call, request);
}

}  // namespace etcdrestore
