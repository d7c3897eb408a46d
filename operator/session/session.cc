#include "operator/session/session.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "operator/adapters/http/cluster_api_http.h"
#include "operator/adapters/http/http_client.h"
#include "operator/adapters/manifests/cluster_text.h"
#include "operator/adapters/process/rke_cli.h"
#include "operator/adapters/ssh/ssh_node.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"
#include "operator/base/holder.h"
#include "operator/ports/json_text.h"
#include "operator/session/logged_node.h"
#include "operator/session/sources.h"
#include "reconcilers/restore/old_data.h"
#include "reconcilers/restore/script_machine.h"

namespace etcdrestore {
namespace {

std::string Home() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "/root" : home;
}

std::string Expanded(const std::string& path) {
  return path.starts_with("~/") ? Home() + path.substr(1) : path;
}

Result<nlohmann::ordered_json> ReadYamlFile(const std::string& path) {
  auto text = ReadFile(path);
  if (!text) return text.error();
  auto documents = LoadYaml(*text, path, YamlDialect::kRke);
  if (!documents) return documents.error();
  if (documents->size() != 1)
    return Terminal("YamlInvalid", path + " does not hold exactly one document");
  return documents->front().value;
}

/// A word of the closed set that metrics have.
const char* ConnectFailure(const Error& error) {
  for (const auto& [reason, word] : {std::pair{"HostKeyMismatch", "hostkey"},
                                     {"HostKeyUnknown", "hostkey_unknown"},
                                     {"AuthenticationFailed", "auth"},
                                     {"KeyUnreadable", "auth"},
                                     {"AlgorithmMismatch", "algorithm"},
                                     {"DeadlineExceeded", "timeout"},
                                     {"Unreachable", "unreachable"}}) {
    if (error.reason == reason) return word;
  }
  return "other";
}

/// One run: all that lives as long as it does, in the order in which it must die.
class Session {
 public:
  Session(const SessionInput& input, RunListener& listener)
      : input_(input), listener_(listener), meter_(input.meter ? *input.meter : no_meter_) {}

  SessionResult Run(const Call& call) {
    SessionResult result;
    if (Status ready = Prepare(); !ready) {
      const bool locked = ready.error().reason == "LockedByOther";
      result.ending = locked ? Ending::kLocked : Ending::kRejected;
      result.error = ready.error();
      return result;
    }
    Crew crew(*target_,
              [this](const Call& one, const TargetNode& node) { return Connect(one, node); });
    auto rke = MakeRkeCli(input_.rke, folder_, input_.may_run_until);
    auto api = MakeClusterApi(ReadYamlFile);
    Executor executor(
        {*target_, crew, *rke, *api,
         [this](const Call& one, const TargetNode& node) { return Connect(one, node); },
         ParseClusterStateText, RenderClusterConfigText(target_->config), folder_,
         [this](const std::string& line) { listener_.OnNote(line); },
         [this](const std::string& what, std::uint64_t done, std::uint64_t total) {
           listener_.OnBytes(what, done, total);
         },
         [this] { return MayAct(true); }});
    Reporter reporter(*this);
    Reconciler reconciler(
        {*target_, crew, executor, clock_, reporter,
         [this](const Call& one) {
           return OpenSources(one, input_.values, target_->object.spec, clock_, SnapshotNodes(),
                              meter_);
         },
         [this](const std::string& text) { return ReadZipState(text); },
         [this] { return host_keys_; }, [&rke](const Call& one) { return rke->Version(one); },
         IsDeadHere, WaitOrStop, folder_},
        input_.request);
    const RunRecord record = reconciler.Run(call);
    Finish(record, executor, result);
    return result;
  }

 private:
  /// Keeps status.json up to date and passes everything on.
  class Reporter final : public RunListener {
   public:
    explicit Reporter(Session& session) : session_(session) {}
    void OnNote(const std::string& line) override { session_.listener_.OnNote(line); }
    void OnBytes(const std::string& what, std::uint64_t done, std::uint64_t total) override {
      session_.listener_.OnBytes(what, done, total);
    }
    void OnChecks(const std::vector<Check>& checks) override {
      session_.listener_.OnChecks(checks);
    }
    void OnPlan(const PlanDocument& plan) override { session_.listener_.OnPlan(plan); }
    void OnProgress(const RunRecord& record) override {
      if (!record.timeline.empty()) session_.phase_ = record.timeline.back().phase;
      session_.WriteStatus(record);
      session_.listener_.OnProgress(record);
    }

   private:
    Session& session_;
  };

  Status Prepare() {
    const EtcdRestoreSpec& spec = input_.object.spec;
    for (const SourceSpec& source : spec.sources) {
      if (!input_.local_files && std::holds_alternative<FileSourceSpec>(source))
        return Terminal("SourceNotAllowed",
                        "spec.sources: `file` works only on the command line (etcdrestore run -f); "
                        "in a management cluster use s3, http or nodes");
    }
    if (Status found = CheckReferences(input_.values, spec); !found) return found;
    auto config_text = input_.values.Resolve(spec.cluster_config);
    if (!config_text) return config_text.error();
    auto config = ParseClusterConfigText(config_text->Reveal(), "cluster.yml");
    if (!config) return config.error();
    for (const std::string& warning : config->warnings) listener_.OnNote(warning);
    std::optional<ClusterState> state;
    if (spec.cluster_state) {
      auto text = input_.values.Resolve(*spec.cluster_state);
      if (!text) return text.error();
      auto parsed = ParseClusterStateText(text->Reveal());
      if (!parsed) return parsed.error();
      state = std::move(*parsed);
    }
    auto target = MakeTarget(input_.object, *config, std::move(state));
    if (!target) return target.error();
    target_.emplace(std::move(*target));
    return OpenState();
  }

  Status OpenState() {
    const std::string& state = input_.state_dir;
    folder_ = state + "/runs/" + target_->run;
    for (const std::string& path : {state + "/clusters", folder_}) {
      if (Status made = MakeFolder(path); !made) return made;
    }
    RecallStatus();
    if (!input_.lock_file) return MakeConnector();
    auto lock = FileLock::Take(state + "/clusters/" + target_->object.spec.cluster_name + ".lock",
                               "process " + std::to_string(::getpid()) + ", since " +
                                   FormatTime(clock_.Now()) + ", run " + target_->run_key + "\n");
    if (!lock) return lock.error();
    lock_.emplace(std::move(*lock));
    return MakeConnector();
  }

  /// Where no API server keeps the status, the one on disk tells what an earlier process did.
  void RecallStatus() {
    if (target_->object.raw.contains("status")) return;
    const auto text = ReadFile(folder_ + "/status.json");
    auto known = nlohmann::ordered_json::parse(text.value_or(""), nullptr, false);
    if (known.is_object() && known.contains("status"))
      target_->object.raw["status"] = std::move(known["status"]);
  }

  Status MakeConnector() {
    const EtcdRestoreSpec& spec = target_->object.spec;
    SshConnector::Options options;
    if (spec.known_hosts) {
      auto text = input_.values.Resolve(*spec.known_hosts);
      if (!text) return text.error();
      options.known_hosts = text->Reveal();
    } else if (input_.local_files) {
      const std::string path =
          input_.known_hosts_file.empty() ? Home() + "/.ssh/known_hosts" : input_.known_hosts_file;
      options.known_hosts = ReadFile(path).value_or("");
    }
    options.policy = spec.host_key_policy == HostKeyPolicy::kStrict
                         ? ssh::HostKeyPolicy::kStrict
                         : ssh::HostKeyPolicy::kAcceptNew;
    options.on_accept = [this](const AcceptedHostKey& key) {
      const std::lock_guard guard(mutex_);
      accepted_.push_back("accepted the new host key of " + key.node + ": " + key.fingerprint);
    };
    connector_ = std::make_unique<SshConnector>(std::move(options));
    return {};
  }

  [[nodiscard]] Status MayAct(bool changes) const {
    return input_.may_act ? input_.may_act(changes) : Status();
  }

  Result<NodeEndpoint> Endpoint(const TargetNode& node) const {
    const EtcdRestoreSpec& spec = target_->object.spec;
    NodeEndpoint endpoint{node.name,
                          node.node.address,
                          node.node.port,
                          node.node.user,
                          Secret(node.node.ssh_key),
                          Secret(),
                          target_->config.ssh_agent_auth && input_.local_files,
                          node.node.docker_socket};
    const std::string path = input_.local_files ? Expanded(node.node.ssh_key_path) : "";
    if (endpoint.private_key.empty() && !path.empty() && FileExists(path)) {
      auto text = ReadFile(path, 1U << 20U);
      if (!text) return text.error();
      endpoint.private_key = Secret(*text);
    }
    if (endpoint.private_key.empty() && spec.ssh_private_key) {
      auto text = input_.values.Resolve(*spec.ssh_private_key);
      if (!text) return text.error();
      endpoint.private_key = *text;
    }
    if (spec.ssh_passphrase) {
      auto text = input_.values.Resolve(*spec.ssh_passphrase);
      if (!text) return text.error();
      endpoint.passphrase = *text;
    }
    if (endpoint.private_key.empty() && !endpoint.use_agent) {
      return Terminal("KeyUnreadable",
                      "no SSH key for node " + node.name + ": " +
                          (input_.local_files ? path + " is not on this machine and " : "") +
                          "spec.ssh.privateKey is not set");
    }
    return endpoint;
  }

  Result<std::unique_ptr<Machine>> Connect(const Call& call, const TargetNode& node) {
    auto endpoint = Endpoint(node);
    if (!endpoint) return endpoint.error();
    auto connected = connector_->Connect(call.Within(std::chrono::seconds(30)), *endpoint);
    if (!connected) {
      meter_.OnConnectFailure(ConnectFailure(connected.error()));
      return connected.error();
    }
    auto logged = WithCommandLog(
        std::move(*connected), node.name, folder_ + "/commands.log",
        [this](const Command& command) { return MayAct(!OnlyLooks(command)); },
        [this](const Result<CommandResult>& result, Duration took) {
          const std::chrono::duration<double> seconds = took;
          const char* how = !result ? "error" : (result->exit_code == 0 ? "success" : "failed");
          meter_.OnCommand(PhaseName(phase_), how, seconds.count());
        });
    {
      const std::lock_guard guard(mutex_);
      host_keys_[node.name] = logged->host_key_fingerprint();
      nodes_.push_back({node.name, logged.get()});
    }
    return MakeScriptMachine(std::move(logged), node.name,
                             {OwnHolderId(target_->run), target_->object.spec.cluster_name},
                             {target_->run, target_->config.prefix_path, node.node.docker_socket});
  }

  std::vector<SnapshotNode> SnapshotNodes() {
    const std::lock_guard guard(mutex_);
    std::vector<SnapshotNode> etcd;
    for (const TargetNode* node : target_->EtcdNodes()) {
      for (const SnapshotNode& known : nodes_) {
        if (known.name == node->name) etcd.push_back(known);
      }
    }
    return etcd;
  }

  Result<ClusterState> ReadZipState(const std::string& text) {
    auto state = ParseClusterStateText(text);
    if (state && !target_->state) target_->state = *state;
    return state;
  }

  void WriteStatus(const RunRecord& record) {
    nlohmann::ordered_json object = target_->object.raw;
    object["status"] = ToStatus(*target_, record, clock_.Now());
    if (input_.on_status) input_.on_status(object["status"], record);
    (void)WriteFileAtomically(folder_ + "/status.json", JsonText(object, 2) + "\n");
  }

  void Finish(const RunRecord& record, const Executor& executor, SessionResult& result) {
    for (const std::string& line : accepted_) listener_.OnNote(line);
    result.ending = record.ending;
    result.error = record.error;
    result.message = record.message;
    result.status = ToStatus(*target_, record, clock_.Now());
    result.run = target_->run;
    for (const PhaseSpan& span : record.timeline) {
      if (span.finished)
        result.took.emplace_back(PhaseName(span.phase), *span.finished - span.started);
    }
    result.status_path = folder_ + "/status.json";
    if (record.ending == Ending::kNeedsAttention)
      result.where_things_stand = WhereThingsStand(*target_, record);
    for (const TargetNode* node : target_->EtcdNodes()) {
      const NodeFacts* facts = record.seen.Of(*node);
      if (facts == nullptr || !facts->receipt || facts->receipt->stage < Stage::kCommitted ||
          !IsKept(*target_, *facts, facts->receipt->old_data_path))
        continue;
      result.way_back.emplace_back(node->name, WayBack(*target_, *facts));
      if (facts->receipt->stage == Stage::kFinished)
        result.old_data_until = FormatTime(SystemTime(std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(facts->receipt->finished_at + KeepFor(*target_)))));
    }
    for (const TargetNode& node : target_->replaced) {
      result.reminders.push_back(
          "node " + node.name +
          " was replaced. Unless it was seen to be stopped, keep it off the network, or run on it "
          "before it comes back: docker update --restart=no $(docker ps -aq); docker stop etcd "
          "kube-apiserver kubelet");
    }
    const std::string state = folder_ + "/rke/cluster.rkestate";
    if (record.ending != Ending::kDone || !FileExists(state)) return;
    for (const auto& [name, path] : {std::pair<std::string, std::string>{"cluster.rkestate", state},
                                     {"kube_config_cluster.yml", executor.KubeconfigPath()},
                                     {"cluster.yml", folder_ + "/rke/cluster.yml"}}) {
      if (FileExists(path)) result.made.emplace(name, path);
    }
  }

  const SessionInput& input_;
  RunListener& listener_;
  RunMeter no_meter_;
  RunMeter& meter_;
  std::atomic<Phase> phase_ = Phase::kPreflight;
  RealClock clock_;
  std::optional<Target> target_;
  std::optional<FileLock> lock_;
  std::string folder_;
  std::unique_ptr<SshConnector> connector_;
  std::mutex mutex_;  ///< guards the three below: nodes connect in parallel
  std::map<std::string, std::string> host_keys_;
  std::vector<SnapshotNode> nodes_;
  std::vector<std::string> accepted_;
};

}  // namespace

std::map<std::string, std::string> LibraryVersions() {
  return {{"libcurl", LibcurlVersion()}, {"libssh2", Libssh2Version()}};
}

SessionResult RunSession(const Call& call, const SessionInput& input, RunListener& listener) {
  return Session(input, listener).Run(call);
}

}  // namespace etcdrestore
