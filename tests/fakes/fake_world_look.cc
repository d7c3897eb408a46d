// What the nodes, their etcd and their API server answer.
#include <algorithm>

#include "operator/base/sha256.h"
#include "reconcilers/restore/identity.h"
#include "tests/fakes/fake_world.h"

namespace etcdrestore::fakes {
namespace {

bool Runs(const FakeNode& node, const std::string& name) {
  const auto found = node.containers.find(name);
  return found != node.containers.end() && found->second.running;
}

std::uint32_t HashOf(const std::string& content, std::int64_t revision) {
  const auto digest = Sha256Of(content + "@" + std::to_string(revision));
  return static_cast<std::uint32_t>(digest[0] | digest[1] << 8U | digest[2] << 16U) | 1U;
}

DataFacts DataOf(const FakeNode& node, const std::string& run, const LookOptions& options) {
  DataFacts data;
  data.data_available = data.stage_available = 10ULL << 30U;
  data.member_exists = node.member.has_value();
  if (node.member) data.member_run = node.member->run;
  for (const auto& [name, folder] : node.runs) {
    if (name != run && folder.kept_exists)
      data.older_kept.push_back("/var/lib/etcd-before-" + name);
  }
  const auto found = node.runs.find(run);
  if (found == node.runs.end()) return data;
  const FakeRunFolder& folder = found->second;
  data.kept_exists = folder.kept_exists;
  data.restored_exists = folder.restored.has_value();
  if (folder.restored) data.restored_run = folder.restored->run;
  data.staged_size = folder.staged.size();
  if (options.hash_staged && !folder.staged.empty()) data.staged_sha256 = HexSha256(folder.staged);
  if (options.hash_data) {
    if (node.member && node.member->run == run) data.db_sha256 = node.member->db_sha256;
    if (folder.restored) data.db_sha256 = folder.restored->db_sha256;
  }
  return data;
}

}  // namespace

bool FakeWorld::HasQuorum(const std::string& token) const {
  std::size_t members = 0;
  std::size_t running = 0;
  for (const auto& [name, node] : nodes) {
    if (!node.target.etcd) continue;
    ++members;
    if (node.member && node.member->token == token && Runs(node, "etcd")) ++running;
  }
  return running * 2 > members;
}

std::string FakeWorld::QuorumToken() const {
  return HasQuorum(target_.token) ? target_.token : std::string();
}

bool FakeWorld::ApiReady(const FakeNode& node) const {
  return Runs(node, "kube-apiserver") && (HasQuorum("") || HasQuorum(target_.token));
}

std::optional<EtcdFacts> FakeWorld::EtcdOf(const FakeNode& node, std::int64_t hash_revision) const {
  if (!Runs(node, "etcd") || !node.member) return std::nullopt;
  const FakeMember& member = *node.member;
  const std::string& token = member.token;
  EtcdFacts etcd;
  std::vector<std::uint64_t> ids;
  for (const TargetNode* other : target_.EtcdNodes()) {
    const std::uint64_t id = MemberId({other->peer_url}, token);
    ids.push_back(id);
    etcd.members.push_back({id, other->member_name, {other->peer_url}});
  }
  etcd.cluster_id = ClusterId(ids);
  etcd.member_id = MemberId({node.target.peer_url}, token);
  etcd.leader = HasQuorum(token) ? ids.front() : 0;
  const auto writes = writes_.find(token);
  etcd.revision = member.revision + (writes == writes_.end() ? 0 : writes->second);
  etcd.compact_revision = 1;
  etcd.hash_revision = hash_revision > 0 ? hash_revision : etcd.revision;
  const auto differs = etcd_differs.find(node.target.name);
  etcd.hash =
      HashOf(differs == etcd_differs.end() ? member.content : differs->second, etcd.hash_revision);
  etcd.keys = 100;
  etcd.db_size = 1U << 20U;
  return etcd;
}

ApiFacts FakeWorld::ApiOf(const FakeNode& node, bool nodes_too) const {
  ApiFacts api;
  api.ready = ApiReady(node);
  if (!api.ready) api.message = "connection refused";
  if (!api.ready || !nodes_too) return api;
  api.secrets_listed = true;
  api.nodes.emplace();
  for (const std::string& name : kube_nodes) {
    const auto found = nodes.find(name);
    KubeNode kube{name, false, 0, ""};
    if (found != nodes.end() && Runs(found->second, "kubelet"))
      kube.ready = true, kube.lease_renewed = clock_.Seconds();
    api.nodes->push_back(kube);
  }
  return api;
}

Result<NodeFacts> FakeWorld::Look(const std::string& name, const std::string& run,
                                  const LookOptions& options) {
  const std::lock_guard lock(mutex_);
  if (killed_) return Terminal("Killed", "the operator is dead");
  const FakeNode& node = nodes.at(name);
  LetTimePass();
  if (!node.reachable) return Transient("Unreachable", name + " does not answer");
  NodeFacts facts;
  facts.now = NowOn(node);
  facts.skew = node.skew;
  if (node.docker_answers) {
    facts.docker_version = "27.0.0";
    facts.containers.emplace();
    for (const auto& [id, container] : node.containers) facts.containers->push_back(container);
  } else {
    facts.docker_error = "Cannot connect to the Docker daemon";
  }
  if (options.images) facts.images = node.images;
  if (options.images && node.containers.contains("kube-apiserver"))
    facts.encryption_keys = {"aescbc:key1"};
  facts.etcdutl = options.images ? "bump" : "";
  facts.etcdutl_can_bump = options.images;
  if (options.images) facts.etcdutl_image = options.tool_image;
  if (options.images && options.tool_image.empty() && node.containers.contains("etcd"))
    facts.etcdutl_image = node.containers.at("etcd").image;
  if (!node.receipt.empty()) {
    auto receipt = ParseReceipt(node.receipt);
    if (receipt) facts.receipt = *receipt;
    if (!receipt) facts.receipt_error = receipt.error().message;
  }
  for (const auto& [id, folder] : node.runs) {
    if (folder.finished)
      facts.finished_runs.push_back({folder.record.run_key, folder.record.run,
                                     folder.record.old_data_path, folder.record.finished_at,
                                     folder.record.keep_for});
  }
  facts.lock = node.lock;
  facts.data = DataOf(node, run, options);
  facts.ca_pem = node.ca_pem;
  facts.etcd_asked = options.etcd;
  if (options.etcd) facts.etcd = EtcdOf(node, options.hash_revision);
  if (options.etcd && !facts.etcd) facts.etcd_error = "context deadline exceeded";
  facts.api_asked = options.api || options.kube_nodes;
  if (facts.api_asked) facts.api = ApiOf(node, options.kube_nodes);
  if (options.health && facts.api.nodes) facts.api.network_pods = network_pods;
  if (options.health) {
    for (const char* component :
         {"kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler"})
      facts.health[component] = Runs(node, component) ? "ok" : "connection refused";
  }
  facts.left_paths.assign(node.left_paths.begin(), node.left_paths.end());
  return facts;
}

}  // namespace etcdrestore::fakes
