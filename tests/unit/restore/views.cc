#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

constexpr double kRestoredAt = 1000;
constexpr double kNow = 2000;

NodeFacts FactsOf(const Target& target, const TargetNode& node, const RunPlan& plan) {
  NodeFacts facts;
  facts.now = kNow;
  facts.docker_version = "27";
  facts.containers.emplace();
  for (const std::string& name : node.Components()) {
    ContainerFacts container;
    container.name = name;
    container.image = name == "etcd" ? "img/etcd:1" : "img:1";
    container.running = true;
    container.policy = "always";
    container.started_at = kNow - 500;
    container.rke = true;
    if (name == "etcd") {
      container.command = {"etcd", "--name=" + node.member_name,
                           "--initial-advertise-peer-urls=" + node.peer_url,
                           "--data-dir=/var/lib/rancher/etcd/"};
      container.mounts = {{"/var/lib/etcd", "/var/lib/rancher/etcd"}};
    }
    facts.containers->push_back(container);
  }
  facts.images = {"img/etcd:1"};
  facts.etcdutl = "bump";
  facts.etcdutl_can_bump = true;
  Receipt receipt;
  receipt.run_key = target.run_key;
  receipt.run = target.run;
  receipt.spec_digest = target.spec_digest;
  receipt.strategy = "InPlace";
  receipt.stage = Stage::kFinished;
  receipt.snapshot_sha256 = plan.snapshot.facts.sha256;
  receipt.bumped_by = plan.bump;
  receipt.restored_db_sha256 = "db";
  receipt.restored_db_hash = "hash";
  receipt.restored_at = kRestoredAt;
  receipt.old_data_path = "/var/lib/etcd-before-" + target.run;
  for (const char* name : {"etcd", "kube-apiserver"}) {
    if (facts.Container(name) != nullptr) receipt.before[name] = {"always", true};
  }
  facts.receipt = receipt;
  facts.ca_pem = fakes::ASnapshotFacts().kube_root_ca;
  facts.data.data_available = facts.data.stage_available = 10ULL << 30U;
  if (node.etcd) {
    facts.data.member_exists = facts.data.kept_exists = true;
    facts.data.member_run = target.run;
    facts.data.db_sha256 = "db";
    facts.data.staged_size = plan.snapshot.facts.size_bytes;
    facts.data.staged_sha256 = plan.snapshot.facts.sha256;
    EtcdFacts etcd;
    etcd.cluster_id = target.ExpectedClusterId();
    etcd.leader = 1;
    etcd.revision = etcd.hash_revision = plan.ExpectedRevision();
    etcd.hash = 42;
    etcd.keys = 182;
    for (const TargetNode* other : target.EtcdNodes())
      etcd.members.push_back({1, other->member_name, {other->peer_url}});
    facts.etcd = etcd;
  }
  if (node.controlplane) {
    facts.encryption_keys = {"aescbc:key1"};
    facts.api.ready = true;
    facts.api.secrets_listed = true;
    facts.api.nodes.emplace();
    for (const TargetNode& other : target.nodes)
      facts.api.nodes->push_back({other.name, true, kNow, ""});
    facts.api.network_pods.emplace();
  }
  facts.health = {{"kubelet", "ok"}, {"kube-proxy", "ok"}};
  return facts;
}

}  // namespace

View::View(const char* patch) : target(fakes::ATarget(nlohmann::ordered_json::parse(patch))) {
  plan.snapshot.facts = fakes::ASnapshotFacts();
  plan.snapshot.name = "snap";
  plan.bump = 1'000'000'000;
  plan.etcd_image = "img/etcd:1";
  for (const TargetNode& node : target.nodes) seen.facts[node.name] = FactsOf(target, node, plan);
  previous = seen;
}

ContainerFacts& View::Container(const std::string& node, const std::string& name) {
  for (ContainerFacts& container : *At(node).containers) {
    if (container.name == name) return container;
  }
  ContainerFacts container;
  container.name = name;
  container.policy = "always";
  At(node).containers->push_back(container);
  return At(node).containers->back();
}

void View::NetworkPod(const etcdrestore::NetworkPod& pod) {
  for (auto& [name, facts] : seen.facts) {
    if (facts.api.network_pods) facts.api.network_pods->push_back(pod);
  }
}

void View::Remove(const std::string& node, const std::string& name) {
  std::erase_if(*At(node).containers, [&](const auto& one) { return one.name == name; });
}

const char* const kOtherCa =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBezCCASGgAwIBAgIUW7VQKwlmEwkypLNEAk+BkgWJdG4wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHa3ViZS1jYTAgFw0yNjExMjIyMjQ0MTdaGA8yMTI2MTAyOTIy\n"
    "NDQxN1owEjEQMA4GA1UEAwwHa3ViZS1jYTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABDQAb2e6oZZLxCQERfjeywWVaZj1NjQFL1rUsaYUh1bfYYqaWh2V6u0Z7R27\n"
    "OSVSBS4EczsYOCD1u7ujruvqRtujUzBRMB0GA1UdDgQWBBQxekUq70jyDYIrMjFm\n"
    "t9OW+zxzSDAfBgNVHSMEGDAWgBQxekUq70jyDYIrMjFmt9OW+zxzSDAPBgNVHRMB\n"
    "Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIF4x+GE+USV/GcA222hVxX4I4s8P\n"
    "HD8Qaivnwp8Gs+32AiEAxnxhvEG9QqTJhJtKJz/nSWWHdSH62ANrAIf3ImGxifo=\n"
    "-----END CERTIFICATE-----\n";

std::string Said(const Judgement& judgement) {
  if (const auto* refused = std::get_if<Refused>(&judgement))
    return "refused " + refused->error.reason;
  const auto* todo = std::get_if<Todo>(&judgement);
  if (todo == nullptr) return "done";
  std::string text = "todo";
  for (const std::string& node : todo->nodes) text += " " + node;
  return text;
}

}  // namespace etcdrestore
