#include "operator/cli/kube_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "operator/cli/zap_flags.h"

namespace etcdrestore {
namespace {

void AddAccess(CLI::App& command, std::string& kubeconfig, std::string& context) {
  command.add_option("--kubeconfig", kubeconfig,
                     "kubeconfig of the management cluster (default: KUBECONFIG, then the pod's "
                     "service account, then ~/.kube/config)");
  command.add_option("--context", context, "context of the kubeconfig");
}

void AddDuration(CLI::App& command, const std::string& flag, Duration& duration,
                 const std::string& text) {
  command
      .add_option_function<std::string>(
          flag,
          [flag, &duration](const std::string& given) {
            const auto parsed = ParseDuration(given);
            if (!parsed) throw CLI::ValidationError(flag, given + " is no duration: 15s, 1m30s");
            duration = *parsed;
          },
          text)
      ->type_name("DURATION")
      ->default_str(HumanDuration(duration));
}

/// One namespace under two names; two namespaces are refused.
void AddOwnNamespace(CLI::App& command, std::string& own) {
  const auto add = [&](const std::string& flag, const std::string& text) {
    command.add_option_function<std::string>(
        flag,
        [flag, &own](const std::string& given) {
          if (!own.empty() && own != given)
            throw CLI::ValidationError(flag, "the Lease lies where the records of runs are kept: " +
                                                 own + " and " + given + " are two namespaces");
          own = given;
        },
        text);
  };
  add("--operator-namespace",
      "where the Lease and the records of runs are kept (default: POD_NAMESPACE, then the "
      "context's namespace)");
  add("--leader-elect-resource-namespace", "the same as --operator-namespace");
}

void AddElection(CLI::App& command, OperatorOptions& options) {
  command.add_flag("--leader-elect", options.leader_elect,
                   "always so: false is refused, since only the Lease keeps two from one cluster");
  command.add_option("--leader-elect-resource-name", options.lease, "name of the Lease")
      ->capture_default_str();
  AddDuration(command, "--leader-elect-lease-duration", options.lease_duration,
              "how long others wait for a leader that is silent");
  AddDuration(command, "--leader-elect-renew-deadline", options.renew_deadline,
              "how long the leader acts without a renewal");
  AddDuration(command, "--leader-elect-retry-period", options.retry_period,
              "pause between two tries");
}

void AddEndpoints(CLI::App& command, OperatorOptions& options) {
  command.add_option("--metrics-bind-address", options.metrics_address, "host:port, 0 for none")
      ->capture_default_str();
  command.add_flag("--metrics-secure", options.metrics_secure,
                   "metrics through TLS, for tokens that the cluster's roles allow it");
  command.add_option("--metrics-cert-path", options.metrics_cert_path,
                     "folder with the certificate, read again when it changes (default: a "
                     "self-signed one)");
  command.add_option("--metrics-cert-name", options.metrics_cert_name, "certificate in it")
      ->capture_default_str();
  command.add_option("--metrics-cert-key", options.metrics_cert_key, "private key in it")
      ->capture_default_str();
  command.add_flag("--enable-http2", options.http2,
                   "false is how it always is: HTTP/1.1 alone; true is refused");
  command
      .add_option("--health-probe-bind-address", options.health_address, "host:port, 0 for none")
      ->capture_default_str();
}

void AddOperator(CLI::App& app, OperatorOptions& options) {
  CLI::App* command =
      app.add_subcommand("operator", "watch EtcdRestore objects in a management cluster");
  AddAccess(*command, options.kubeconfig, options.context);
  command
      ->add_option("-n,--namespace", options.name_space,
                   "objects of this namespace alone (default: all)")
      ->envname("WATCH_NAMESPACE");
  AddOwnNamespace(*command, options.own_name_space);
  AddElection(*command, options);
  command
      ->add_option("--max-concurrent-reconciles", options.workers,
                   "clusters that are restored at the same time")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--state-dir", options.state_dir, "where runs keep snapshots and rke's files")
      ->capture_default_str();
  command->add_option("--rke", options.rke, "rke program, needed for strategy Rebuild")
      ->capture_default_str();
  AddEndpoints(*command, options);
  AddLogFlags(*command, options.log);
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
  if (app.got_subcommand("operator")) {
    if (const Status fine = CheckOptions(arguments.options); !fine) {
      std::fprintf(stderr, "etcdrestore operator: %s\n", fine.error().message.c_str());
      return 2;
    }
    return RunOperator(call, arguments.options);
  }
  RemoteRequest request = arguments.remote;
  request.version = arguments.options.version;
  if (app.got_subcommand("approve")) request.what = RemoteRequest::What::kApprove;
  if (app.got_subcommand("cancel")) request.what = RemoteRequest::What::kCancel;
  return RunRemote(call, request);
}

}  // namespace etcdrestore
