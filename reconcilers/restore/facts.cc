#include "reconcilers/restore/facts.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>

namespace etcdrestore {
namespace {

using Json = nlohmann::json;

double Seconds(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

double SecondsOfTime(const std::string& text) {
  const auto time = ParseTime(text);
  return time ? std::chrono::duration<double>(time->time_since_epoch()).count() : 0;
}

std::string WithLines(std::string text) {
  std::replace(text.begin(), text.end(), '|', '\n');
  return text;
}

ContainerFacts ContainerOf(const Json& json) {
  ContainerFacts facts;
  facts.name = json.at("name").get<std::string>();
  if (facts.name.starts_with('/')) facts.name.erase(0, 1);
  facts.image = json.at("image");
  facts.running = json.at("running");
  facts.policy = json.at("policy");
  if (facts.policy.empty()) facts.policy = "no";
  facts.started_at = SecondsOfTime(json.at("startedAt"));
  facts.restarts = json.at("restarts");
  const Json& labels = json.at("labels");
  facts.rke = labels.is_object() && labels.contains("io.rancher.rke.container.name");
  if (!json.contains("args")) return facts;
  facts.command.push_back(json.at("path"));
  for (const Json& word : json.at("args")) facts.command.push_back(word);
  for (const Json& mount : json.at("mounts")) {
    facts.mounts.push_back({mount.value("Source", ""), mount.value("Destination", "")});
  }
  facts.user = json.at("user");
  return facts;
}

/// Where a user is root by a container only, the look itself runs in one.
bool IsOwnWayToRoot(const Json& json) {
  const Json& labels = json.at("labels");
  return labels.is_object() && labels.contains("etcdrestore.io/root");
}

void ReadStatus(const Json& json, EtcdFacts& facts) {
  const Json& status = json.at(0).at("Status");
  const Json& header = status.at("header");
  facts.cluster_id = header.at("cluster_id");
  facts.member_id = header.at("member_id");
  facts.revision = header.at("revision");
  facts.leader = status.value("leader", std::uint64_t{0});
  facts.db_size = status.value("dbSize", std::uint64_t{0});
}

void ReadHash(const Json& json, EtcdFacts& facts) {
  const Json& hash = json.at(0).at("HashKV");
  facts.hash = hash.at("hash");
  facts.compact_revision = hash.value("compact_revision", std::int64_t{0});
  // Asked for at a revision: that one; else at the newest, which the header tells.
  if (facts.hash_revision == 0) facts.hash_revision = hash.at("header").at("revision");
}

void ReadMembers(const Json& json, EtcdFacts& facts) {
  for (const Json& member : json.at("members")) {
    facts.members.push_back({member.at("ID"), member.value("name", ""),
                             member.value("peerURLs", std::vector<std::string>{})});
  }
}

void ReadAlarms(const Json& json, EtcdFacts& facts) {
  (void)json.at("header");  // all that an etcd without alarms answers
  if (!json.contains("alarms")) return;
  for (const Json& alarm : json.at("alarms")) facts.alarms.push_back(alarm.dump());
}

std::vector<KubeNode> NodesOf(const Json& list) {
  std::vector<KubeNode> nodes;
  for (const Json& item : list.at("items")) {
    KubeNode node;
    node.name = item.at("metadata").at("name");
    for (const Json& condition : item.at("status").value("conditions", Json::array())) {
      if (condition.value("type", "") == "Ready")
        node.ready = condition.value("status", "") == "True";
    }
    for (const Json& address : item.at("status").value("addresses", Json::array())) {
      if (address.value("type", "") == "InternalIP")
        node.internal_ip = address.value("address", "");
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// Those that have ended are nothing to restart.
std::vector<NetworkPod> NetworkPodsOf(const Json& lists) {
  std::vector<NetworkPod> pods;
  for (const Json& list : lists) {
    for (const Json& item : list.at("items")) {
      const Json& metadata = item.at("metadata");
      const Json& status = item.at("status");
      const std::string phase = status.value("phase", "");
      if (phase == "Succeeded" || phase == "Failed") continue;
      pods.push_back(
          {metadata.at("name"), metadata.at("uid"), item.at("spec").value("nodeName", ""),
           SecondsOfTime(status.value("startTime", "")), metadata.contains("deletionTimestamp")});
    }
  }
  return pods;
}

/// One look being read: which handler takes which key.
class LookReader {
 public:
  void Take(const std::string& key, const std::string& text) {
    if (key.starts_with("health_")) {
      facts_.health[key.substr(7)] = text;
    } else if (key == "older_kept") {
      kept_.emplace_back(Seconds(text), text.substr(text.find(' ') + 1));
    } else if (!TakeText(key, text) && !TakeData(key, text)) {
      TakeJson(key, text);
    }
  }

  NodeFacts Finish() && {
    std::sort(kept_.begin(), kept_.end());
    for (auto& [when, path] : kept_) facts_.data.older_kept.push_back(path);
    if (etcd_status_ && facts_.etcd_error.empty()) facts_.etcd = etcd_;
    return std::move(facts_);
  }

 private:
  bool TakeText(const std::string& key, const std::string& text) {
    if (key == "now") return facts_.now = Seconds(text), true;
    if (key == "docker") return facts_.docker_version = text, true;
    if (key == "docker_error") return facts_.docker_error = text, true;
    if (key == "containers") return facts_.containers.emplace(), true;
    if (key == "ca") return facts_.ca_pem = WithLines(text), true;
    if (key == "encryption_asked") return facts_.encryption_keys.emplace(), true;
    if (key == "encryption_key" && facts_.encryption_keys)
      return facts_.encryption_keys->push_back(text), true;
    if (key == "curl") return facts_.has_curl = true;
    if (key == "wget") return facts_.has_wget = true;
    if (key == "image") return facts_.images.push_back(text), true;
    if (key == "etcdutl_image") return facts_.etcdutl_image = text, true;
    if (key == "etcdutl")
      return facts_.etcdutl = text, facts_.etcdutl_can_bump = text == "bump", true;
    if (key == "etcd_asked") return facts_.etcd_asked = true;
    if (key == "etcd_error") return facts_.etcd_error = text, true;
    if (key == "api_asked") return facts_.api_asked = true;
    if (key == "api_ready") return facts_.api.ready = true;
    if (key == "api_error") return facts_.api.message = text, true;
    if (key == "api_secrets") return facts_.api.secrets_listed = text == "200", true;
    if (key == "left") return facts_.left_paths.push_back(text), true;
    if (key == "lock") return TakeLock(text), true;
    if (key == "receipt") return TakeReceipt(text), true;
    return false;
  }

  bool TakeData(const std::string& key, const std::string& text) {
    DataFacts& data = facts_.data;
    if (key == "data_mount") return data.is_mount = true;
    if (key == "member") return data.member_exists = true, data.member_run = text, true;
    if (key == "kept") return data.kept_exists = true;
    if (key == "restored") return data.restored_exists = true, data.restored_run = text, true;
    if (key == "staged_size")
      return data.staged_size = std::strtoull(text.c_str(), nullptr, 10), true;
    if (key == "staged_sha256") return data.staged_sha256 = text, true;
    if (key == "db_sha256") return data.db_sha256 = text, true;
    if (key == "data_available")
      return data.data_available = std::strtoull(text.c_str(), nullptr, 10), true;
    if (key == "stage_available")
      return data.stage_available = std::strtoull(text.c_str(), nullptr, 10), true;
    return false;
  }

  void TakeJson(const std::string& key, const std::string& text) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    try {
      if (key == "container" && facts_.containers && !IsOwnWayToRoot(json))
        facts_.containers->push_back(ContainerOf(json));
      if (key == "finished")
        facts_.finished_runs.push_back(
            {json.at("runKey"), json.value("run", ""), json.value("oldDataPath", ""),
             json.value("finishedAt", 0.0), json.value("keepFor", Receipt().keep_for)});
      if (key == "etcd_status") ReadStatus(json, etcd_), etcd_status_ = true;
      if (key == "etcd_hash_revision") etcd_.hash_revision = json;
      if (key == "etcd_hash") ReadHash(json, etcd_);
      if (key == "etcd_members") ReadMembers(json, etcd_);
      if (key == "etcd_alarms") ReadAlarms(json, etcd_);
      if (key == "etcd_count") etcd_.keys = json.get<std::uint64_t>();
      if (key == "api_nodes") facts_.api.nodes = NodesOf(json);
      if (key == "api_leases") TakeLeases(json);
      if (key == "api_pods") facts_.api.network_pods = NetworkPodsOf(json);
    } catch (const Json::exception& error) {
      if (key.starts_with("etcd_")) facts_.etcd_error = key + ": " + text.substr(0, 300);
      if (key == "container") facts_.containers.reset();
      if (key == "finished") facts_.receipt_error = "an archived record cannot be read";
    }
  }

  void TakeLeases(const Json& list) {
    if (!facts_.api.nodes) return;
    for (const Json& item : list.at("items")) {
      for (KubeNode& node : *facts_.api.nodes) {
        if (node.name != item.at("metadata").at("name")) continue;
        node.lease_renewed = SecondsOfTime(item.at("spec").value("renewTime", ""));
      }
    }
  }

  void TakeLock(const std::string& text) {
    const auto first = text.find('|');
    const auto last = text.rfind('|');
    if (first == std::string::npos || first == last) return;
    facts_.lock = {text.substr(0, first), text.substr(first + 1, last - first - 1),
                   Seconds(text.substr(last + 1))};
  }

  void TakeReceipt(const std::string& text) {
    auto receipt = ParseReceipt(text);
    if (receipt) facts_.receipt = *receipt;
    if (!receipt) facts_.receipt_error = receipt.error().message;
  }

  NodeFacts facts_;
  EtcdFacts etcd_;
  bool etcd_status_ = false;
  std::vector<std::pair<double, std::string>> kept_;
};

}  // namespace

const ContainerFacts* NodeFacts::Container(const std::string& name) const {
  if (!containers) return nullptr;
  for (const ContainerFacts& container : *containers) {
    if (container.name == name) return &container;
  }
  return nullptr;
}

bool NodeFacts::Running(const std::string& name) const {
  const ContainerFacts* container = Container(name);
  return container != nullptr && container->running;
}

Result<NodeFacts> ParseLook(const std::string& text) {
  LookReader reader;
  std::size_t at = 0;
  bool complete = false;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    complete = line == "@@ok";
    if (const auto tab = line.find('\t'); tab != std::string::npos)
      reader.Take(line.substr(0, tab), line.substr(tab + 1));
  }
  if (!complete)
    return Transient("LookUnreadable", "the node's answer was cut short: " +
                                           text.substr(text.size() > 300 ? text.size() - 300 : 0));
  return std::move(reader).Finish();
}

}  // namespace etcdrestore
