#include "reconcilers/restore/script_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

namespace etcdrestore {

extern const std::string_view kNodeScript;

namespace {

using Words = std::vector<std::string>;

/// Seconds for which what an act saw may stand for a look: other nodes may have taken longer.
constexpr double kFresh = 1;

/// Reasons that only a person can change; everything else may pass.
constexpr std::array<std::string_view, 10> kTerminalReasons = {
    "ToolMissing",    "LockedByOther", "LockLost",    "EtcdNotStopped", "OldDataInTheWay",
    "NewDataMissing", "MountBelow",    "BadArgument", "WrongContent",   "NoDownloader"};

/// The value printed as "key<TAB>value"; "" when there is none.
std::string Value(const std::string& output, const std::string& key) {
  const std::size_t at = ("\n" + output).find("\n" + key + "\t");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 1;
  return output.substr(begin, output.find('\n', begin) - begin);
}

std::string Joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out;
}

ByteSource OneAfterTheOther(ByteSource first, ByteSource second) {
  return [first = std::move(first), second = std::move(second),
          in_second = false](std::span<char> into) mutable -> Result<std::size_t> {
    if (!in_second) {
      auto count = first(into);
      if (!count || *count > 0) return count;
      in_second = true;
    }
    return second(into);
  };
}

Words LookWords(const LookOptions& options) {
  Words words;
  if (!options.tool_image.empty()) words.push_back("image=" + std::string(options.tool_image));
  const auto flag = [&words](const char* name, bool on) {
    if (on) words.push_back(std::string(name) + "=1");
  };
  flag("images", options.images);
  flag("hash_staged", options.hash_staged);
  flag("hash_data", options.hash_data);
  flag("etcd", options.etcd);
  if (options.hash_revision > 0)
    words.push_back("hash_revision=" + std::to_string(options.hash_revision));
  flag("api", options.api || options.kube_nodes);
  flag("kube_nodes", options.kube_nodes);
  flag("health", options.health);
  return words;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class ScriptMachine final : public Machine {
 public:
  ScriptMachine(std::unique_ptr<Node> node, std::string name, Holder holder, MachinePlaces places)
      : node_(std::move(node)),
        name_(std::move(name)),
        holder_(std::move(holder)),
        places_(std::move(places)) {}

  Result<NodeFacts> Look(const Call& call, const LookOptions& options) override {
    const double before = Now();
    auto output = Run(call.Within(std::chrono::minutes(5)), "look", LookWords(options));
    if (!output) return output.error();
    return ReadLook(*output, before).In("look at node " + name_);
  }
  void LookWithActs(const std::optional<LookOptions>& options) override { with_acts_ = options; }
  std::optional<NodeFacts> Looked(const LookOptions& options) override {
    const bool fresh = looked_ && looked_options_ == options && Now() - looked_at_ < kFresh;
    return fresh ? std::exchange(looked_, std::nullopt) : std::nullopt;
  }

  Status Take(const Call& call, const std::vector<std::string>& may_replace) override {
    return Act(call, "take", {"replace=" + Joined(may_replace)});
  }
  Status Renew(const Call& call) override { return Act(call, "renew", {}); }
  Status Release(const Call& call) override { return Act(call, "release", {}); }
  Status WriteReceipt(const Call& call, const Receipt& receipt) override {
    return Act(call, "receipt", {"json=" + ToJson(receipt).dump()});
  }

  Status FetchSnapshot(const Call& call, const Secret& url, std::uint64_t size,
                       const std::string& sha256) override {
    for (const char c : url.Reveal()) {
      if (c <= ' ' || c == '\'' || c == '"' || c == '\\' || c > '~') {
        return Terminal(
            "BadUrl",
            "the download address of the snapshot has a character that is not allowed in a URL");
      }
    }
    const Words words{"size=" + std::to_string(size), "sha=" + sha256};
    return Finish(Script(call, "fetch", words, "URL='" + url.Reveal() + "'\n"));
  }
  Status PutSnapshot(const Call& call, ByteSource bytes, std::uint64_t size,
                     const std::string& sha256) override {
    Command command;
    command.argv = Arguments("put", {"size=" + std::to_string(size), "sha=" + sha256});
    looked_.reset();
    // Standard input is the script, then the snapshot; the shell reads exactly the script's bytes.
    command.argv.insert(command.argv.begin(),
                        {"sh", "-c", "s=$(head -c \"$1\"); shift; eval \"$s\"", "etcdrestore",
                         std::to_string(kNodeScript.size())});
    command.input = OneAfterTheOther(BytesOf(std::string(kNodeScript)), std::move(bytes));
    return Finish(Read(node_->Run(call, command), "put"));
  }
  Result<RestoredDb> RestoreBeside(const Call& call, const EtcdRestoreArgs& args) override {
    auto output =
        Script(call, "restore_beside",
               {"image=" + args.image, "name=" + args.member_name, "peer=" + args.peer_url,
                "peers=" + args.initial_cluster, "token=" + args.token,
                "bump=" + std::to_string(args.bump), "owner=" + args.owner, "db=" + args.db_sha256,
                std::string("status=") + (args.with_hash ? "1" : "")});
    if (!output) return output.error();
    RestoredDb db;
    db.sha256 = Value(*output, "db_sha256");
    const auto status = nlohmann::json::parse(Value(*output, "db_status"), nullptr, false);
    if (status.is_object() && status.contains("hash")) db.hash = status.at("hash").dump();
    if (db.sha256.size() != 64 || (args.with_hash && db.hash.empty())) {
      return Transient("ScriptBroken",
                       "restore_beside on node " + name_ +
                           " did not tell the restored database's hash: " + *output);
    }
    return db;
  }

  Status SetPolicies(const Call& call,
                     const std::map<std::string, std::string>& policies) override {
    Words pairs;
    for (const auto& [name, policy] : policies) pairs.push_back(name + "=" + policy);
    return Act(call, "policies", {"policies=" + Joined(pairs)});
  }
  Status Stop(const Call& call, const Words& names) override {
    return OnContainers(call, "stop", names);
  }
  Status Start(const Call& call, const Words& names) override {
    return OnContainers(call, "start", names);
  }
  Status Restart(const Call& call, const Words& names) override {
    return OnContainers(call, "restart", names);
  }
  Status RemoveContainers(const Call& call, const Words& names, bool volumes) override {
    return OnContainers(call, "remove", names, {std::string("volumes=") + (volumes ? "1" : "")});
  }
  Status MoveOldDataAside(const Call& call) override { return Act(call, "move_aside", {}); }
  Status PutNewDataInPlace(const Call& call) override { return Act(call, "put_in_place", {}); }
  Status CleanPaths(const Call& call) override { return Act(call, "clean_paths", {}); }
  Status Purge(const Call& call, const OldDataDue& due) override {
    return Act(call, "purge", {"names=" + due.run, "kept=" + due.kept});
  }
  Status DeletePods(const Call& call, const Words& names) override {
    return OnContainers(call, "delete_pods", names);
  }

  Status PullImage(const Call& call, const std::string& image, const Secret& login) override {
    if (login.Reveal().find('\'') != std::string::npos)
      return Terminal("BadLogin", "the name of a private registry has a quote in it");
    return Finish(Script(call, "pull", {"image=" + image}, "LOGIN='" + login.Reveal() + "'\n"));
  }
  Status SaveImages(const Call& call, const Words& images, const ByteSink& sink) override {
    Command command;
    command.argv = {"docker", "-H", "unix://" + places_.docker_socket, "save"};
    command.argv.insert(command.argv.end(), images.begin(), images.end());
    command.output = sink;
    return Ended(node_->Run(call, command), "docker save");
  }
  Status LoadImages(const Call& call, ByteSource bytes) override {
    Command command;
    command.argv = {"docker", "-H", "unix://" + places_.docker_socket, "load", "-q"};
    command.input = std::move(bytes);
    return Ended(node_->Run(call, command), "docker load");
  }

 private:
  Status Ended(const Result<CommandResult>& result, const char* what) const {
    if (!result) return result.error().In(std::string(what) + " on node " + name_);
    if (result->exit_code == 0) return {};
    return Transient("DockerFailed",
                     fmt::format("{} on node {} ended with code {}: {}", what, name_,
                                 result->exit_code, result->err.substr(0, 500)));
  }
  Status OnContainers(const Call& call, const char* act, const Words& names, Words words = {}) {
    if (names.empty()) return {};
    words.push_back("names=" + Joined(names));
    return Act(call, act, words);
  }
  Status Act(const Call& call, const char* act, const Words& words) {
    return Finish(Script(call, act, words));
  }

  [[nodiscard]] const char* WayToRoot() const {
    switch (node_->root_method()) {
      case RootMethod::kUid0:
        return ", the user is root";
      case RootMethod::kSudo:
        return ", root by sudo";
      case RootMethod::kDockerNsenter:
        return ", root through docker";
    }
    return "";
  }

  [[nodiscard]] Words Arguments(const std::string& act, const Words& words) const {
    Words all{act,
              "socket=" + places_.docker_socket,
              "run=" + places_.run,
              "prefix=" + places_.prefix,
              "holder=" + holder_.id,
              "cluster=" + holder_.cluster};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  /// One act, which also looks when it was told to.
  Result<std::string> Script(const Call& call, const std::string& act, Words words,
                             const std::string& head = "") {
    looked_.reset();
    if (with_acts_) {
      words.emplace_back("then_look=1");
      for (std::string& word : LookWords(*with_acts_)) words.push_back(std::move(word));
    }
    const double before = Now();
    auto output = Run(call, act, words, head);
    if (!output || !with_acts_) return output;
    if (auto facts = ReadLook(*output, before)) {
      looked_ = std::move(*facts);
      looked_options_ = *with_acts_;
      looked_at_ = Now();
    }
    return output;
  }

  /// The node read its clock somewhere between our two: only what lies outside is surely skew.
  [[nodiscard]] Result<NodeFacts> ReadLook(const std::string& output, double before) const {
    auto facts = ParseLook(output);
    const double after = Now();
    if (!facts) return facts;
    facts->skew = facts->now < before ? facts->now - before : std::max(0.0, facts->now - after);
    facts->access = "host key " + node_->host_key_fingerprint() + WayToRoot();
    return facts;
  }

  Result<std::string> Run(const Call& call, const std::string& act, const Words& words,
                          const std::string& head = "") {
    Command command;
    command.argv = Arguments(act, words);
    command.argv.insert(command.argv.begin(), {"sh", "-s", "--"});
    command.input = BytesOf(head + std::string(kNodeScript));
    command.max_output = 64U << 20U;
    return Read(node_->Run(call, command), act);
  }

  /// The script's last line says how it ended; without one, how far it came is not known.
  Result<std::string> Read(Result<CommandResult> result, const std::string& act) {
    if (!result) return result.error().In(act + " on node " + name_);
    const std::string& out = result->out;
    if (const auto at = out.rfind("@@fail "); at != std::string::npos) {
      const std::string rest = out.substr(at + 7, out.find('\n', at) - at - 7);
      const std::string reason = rest.substr(0, rest.find(' '));
      const std::string text = fmt::format("{} on node {}: {}", act, name_,
                                           rest.substr(std::min(rest.size(), reason.size() + 1)));
      for (const std::string_view known : kTerminalReasons) {
        if (reason == known) return Terminal(reason, text);
      }
      return Transient(reason, text);
    }
    if (result->exit_code == 0 && out.ends_with("@@ok\n")) return out;
    return Transient("ScriptBroken",
                     fmt::format("{} on node {} ended with code {} and without saying how: {}", act,
                                 name_, result->exit_code, (result->err + out).substr(0, 500)));
  }
  static Status Finish(const Result<std::string>& output) {
    if (!output) return output.error();
    return {};
  }

  std::unique_ptr<Node> node_;
  std::string name_;
  Holder holder_;
  MachinePlaces places_;
  std::optional<LookOptions> with_acts_;
  std::optional<NodeFacts> looked_;
  LookOptions looked_options_;
  double looked_at_ = 0;
};

}  // namespace

bool OnlyLooks(const Command& command) {
  if (command.argv.size() < 4 || command.argv[2] != "--") return false;
  const std::string& act = command.argv[3];
  return act == "look" || act == "renew" || act == "release";
}

std::unique_ptr<Machine> MakeScriptMachine(std::unique_ptr<Node> node, std::string name,
                                           Holder holder, MachinePlaces places) {
  return std::make_unique<ScriptMachine>(std::move(node), std::move(name), std::move(holder),
                                         std::move(places));
}

}  // namespace etcdrestore
