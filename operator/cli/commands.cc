#include "operator/cli/commands.h"

#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

#include "operator/base/files.h"
#include "operator/cli/init.h"
#include "operator/cli/kube_commands.h"
#include "operator/cli/view.h"
#include "operator/standalone/run_files.h"

#ifndef ETCDRESTORE_VERSION
#define ETCDRESTORE_VERSION "dev"
#endif

#ifndef ETCDRESTORE_REVISION
#define ETCDRESTORE_REVISION "unknown"
#endif

namespace etcdrestore {
namespace {

/// Turns SIGINT and SIGTERM into a stop request. Threads inherit the blocked mask, so only this one
/// hears.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR2}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    thread_ = std::jthread([this] { Listen(); });
  }
  ~Signals() { pthread_kill(thread_.native_handle(), SIGUSR2); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  void Listen() {
    for (int count = 0;; ++count) {
      int signal = 0;
      if (sigwait(&set_, &signal) != 0 || signal == SIGUSR2) return;
      if (count > 0) std::_Exit(130);
      std::fputs("\nStopping when the current act has ended; press Ctrl-C again to end at once.\n",
                 stderr);
      source_.request_stop();
    }
  }
  sigset_t set_{};
  std::stop_source source_;
  std::jthread thread_;
};

struct Arguments {
  SessionOptions session;
  InitOptions init;
  std::string init_out = "-";
  std::string output = "auto";
  KubeArguments kube;
};

int RunRestore(const Arguments& arguments) {
  const Signals signals;
  Call call;
  call.stop = signals.token();
  const ViewKind kind = arguments.output == "json"
                            ? ViewKind::kJson
                            : (arguments.output == "plain" ? ViewKind::kPlain : DefaultView());
  const auto view = MakeView(kind);
  const SessionResult result = RunFiles(call, arguments.session, *view);
  view->ShowResult(result, arguments.session.request.mode);
  return ExitCode(result.ending);
}

int RunKube(const CLI::App& app, const Arguments& arguments) {
  const Signals signals;
  Call call;
  call.stop = signals.token();
  return RunKubeCommand(call, app, arguments.kube);
}

int RunInit(const Arguments& arguments) {
  const auto text = MakeManifest(arguments.init, RealClock().Now());
  if (!text) {
    std::fprintf(stderr, "etcdrestore init: %s\n", text.error().message.c_str());
    return 2;
  }
  if (arguments.init_out == "-") return std::fputs(text->c_str(), stdout) < 0 ? 1 : 0;
  if (FileExists(arguments.init_out)) {
    std::fprintf(stderr, "etcdrestore init: %s is there already; it is not overwritten\n",
                 arguments.init_out.c_str());
    return 2;
  }
  if (const Status wrote = WriteFileAtomically(arguments.init_out, *text); !wrote) {
    std::fprintf(stderr, "etcdrestore init: %s\n", wrote.error().message.c_str());
    return 1;
  }
  std::fprintf(stderr, "Wrote %s. Next: etcdrestore plan -f %s\n", arguments.init_out.c_str(),
               arguments.init_out.c_str());
  return 0;
}

CLI::App* AddRestore(CLI::App& app, const char* name, const char* text, Arguments& arguments) {
  CLI::App* command = app.add_subcommand(name, text);
  command
      ->add_option("-f,--filename", arguments.session.files,
                   "file or folder with the EtcdRestore and its Secrets and ConfigMaps")
      ->required();
  command->add_option("--state-dir", arguments.session.state_dir,
                      "where runs are recorded (default " + DefaultStateDir() + ")");
  command->add_option("--rke", arguments.session.rke, "rke program, needed for strategy Rebuild")
      ->capture_default_str();
  command->add_option("--known-hosts", arguments.session.known_hosts_file,
                      "used when the spec names none (default ~/.ssh/known_hosts)");
  command->add_option("-o,--output", arguments.output, "auto, plain or json")
      ->check(CLI::IsMember({"auto", "plain", "json"}))
      ->capture_default_str();
  command->add_flag("--takeover", arguments.session.request.takeover,
                    "take nodes whose holder you know to be gone");
  return command;
}

void AddInit(CLI::App& app, Arguments& arguments) {
  CLI::App* init = app.add_subcommand("init", "write a manifest from rancher-cluster.yml");
  init->add_option("--config", arguments.init.config,
                   "rancher-cluster.yml; its .rkestate is taken from beside it")
      ->required();
  init->add_option("--name", arguments.init.name, "name of the object");
  init->add_option("--cluster-name", arguments.init.cluster_name,
                   "identity of the cluster: lock, records, metrics");
  init->add_option("--snapshot", arguments.init.snapshot,
                   "snapshot name, with or without .zip or .db; default: the newest that verifies");
  init->add_option("--s3", arguments.init.s3,
                   "https://endpoint/bucket/prefix or s3://bucket/prefix; keys from "
                   "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY");
  init->add_option("--s3-region", arguments.init.region, "default us-east-1");
  init->add_option("--known-hosts", arguments.init.known_hosts,
                   "known_hosts file with the nodes' keys");
  init->add_option("--strategy", arguments.init.strategy, "Auto, InPlace or Rebuild")
      ->check(CLI::IsMember({"Auto", "InPlace", "Rebuild"}))
      ->capture_default_str();
  init->add_option("-o,--output", arguments.init_out, "file to write (mode 0600), - for stdout")
      ->capture_default_str();
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  Arguments arguments;
  arguments.kube.options.version = ETCDRESTORE_VERSION;
  arguments.kube.options.revision = ETCDRESTORE_REVISION;
  CLI::App app{
      "Restores the etcd of a Kubernetes cluster made by RKE.\n"
      "Exit codes: 0 done, 1 failed, 2 invalid, 3 preflight failed (nothing changed), 4 needs "
      "attention,\n"
      "5 awaiting approval, 6 locked, 7 cancelled, 124 deadline, 130 interrupted"};
  app.require_subcommand(1);
  CLI::App* run = AddRestore(app, "run", "restore", arguments);
  run->add_option("--approve", arguments.session.request.approved_plan,
                  "hash of the plan that you have read");
  CLI::App* plan =
      AddRestore(app, "plan", "do all of Preflight and show what a run would do", arguments);
  CLI::App* check =
      AddRestore(app, "check", "do all of Preflight and show what was found", arguments);
  AddInit(app, arguments);
  AddKubeCommands(app, arguments.kube);
  app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (app.got_subcommand("version"))
    return std::puts("etcdrestore " ETCDRESTORE_VERSION) < 0 ? 1 : 0;
  if (app.got_subcommand("init")) return RunInit(arguments);
  if (IsKubeCommand(app)) return RunKube(app, arguments);
  if (app.got_subcommand(plan)) arguments.session.request.mode = RunMode::kPlan;
  if (app.got_subcommand(check)) arguments.session.request.mode = RunMode::kCheck;
  (void)run;
  return RunRestore(arguments);
}

}  // namespace etcdrestore
