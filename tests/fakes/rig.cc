#include "tests/fakes/rig.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "operator/base/files.h"
#include "operator/base/sha256.h"

namespace etcdrestore::fakes {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kImage = "rancher/mirrored-coreos-etcd:v3.5.16";

template <typename T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "rig: %s\n", result.error().message.c_str());
  std::abort();
}

std::string NewFolder() {
  // Hundreds of operators live and die in a test: where there is a folder in memory, they wait for
  // no disk.
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  std::string name = (base / "etcdrestore-rig-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

struct Golden {
  std::string bytes;
  SnapshotFacts facts;
};

const Golden& KubeSnapshot() {
  static const Golden golden = [] {
    const std::string at = NewFolder();
    const std::string zip = ETCDRESTORE_SOURCE_DIR "/tests/unit/snapshot/testdata/kube.zip";
    (void)Must(UnpackZip({}, zip, at + "/db", 1ULL << 30U));
    Golden made{Must(ReadFile(at + "/db")), Must(ReadSnapshot({}, at + "/db"))};
    std::filesystem::remove_all(at);
    return made;
  }();
  return golden;
}

Result<ClusterState> ParseState(const std::string& text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("desiredState"))
    return Terminal("ClusterStateInvalid", "not a state");
  ClusterState state = AState();
  state.raw = json;
  return state;
}

}  // namespace

Json AnObject(const Json& patch) {
  Json object = Json::parse(R"({
    "apiVersion": "etcdrestore.io/v1alpha1", "kind": "EtcdRestore",
    "metadata": {"name": "a", "namespace": "recovery", "generation": 3},
    "spec": {"clusterName": "prod", "runID": "r1",
             "rke": {"clusterConfig": {"secretRef": {"name": "rke", "key": "cluster.yml"}}},
             "snapshot": {"latest": "Verified"}, "sources": [{"nodes": {}}]}})");
  if (!patch.is_null()) object["spec"].merge_patch(patch);
  return object;
}

ClusterConfig AConfig() {
  return Must(ParseClusterConfig(Json::parse(R"({
    "kubernetes_version": "v1.32.2-rancher1-1",
    "nodes": [
      {"address": "10.0.0.1", "hostname_override": "n1", "user": "u", "role": ["controlplane", "etcd"]},
      {"address": "10.0.0.2", "hostname_override": "n2", "user": "u", "role": ["controlplane", "etcd"]},
      {"address": "10.0.0.3", "hostname_override": "n3", "user": "u", "role": ["controlplane", "etcd"]},
      {"address": "10.0.0.9", "hostname_override": "w1", "user": "u", "role": ["worker"]}]})")));
}

ClusterState AState() {
  ClusterState state;
  state.raw = {{"desiredState", {{"rkeConfig", Json::object()}}},
               {"currentState", {{"rkeConfig", Json::object()}}}};
  state.kube_ca_pem = ASnapshotFacts().kube_root_ca;
  state.kube_ca_fingerprint = CertificateFingerprint(state.kube_ca_pem);
  state.kubernetes_version = "v1.32.2-rancher1-1";
  state.encryption_keys = {"aescbc:key1"};
  return state;
}

const std::string& ASnapshot() { return KubeSnapshot().bytes; }
const SnapshotFacts& ASnapshotFacts() { return KubeSnapshot().facts; }

Target ATarget(const Json& patch) {
  return Must(MakeTarget(Must(ParseEtcdRestore(AnObject(patch))), AConfig(), AState()));
}

Rig::Rig(const Json& patch)
    : clock(*ParseTime("2026-11-22T04:00:00Z")),
      target(ATarget(patch)),
      world(target, clock),
      rke(world, target, ASnapshotFacts().kube_root_ca),
      api(world),
      folder(NewFolder()) {
  world.MakeCluster(ASnapshotFacts().kube_root_ca, kImage);
  world.revisions[ASnapshotFacts().sha256] = ASnapshotFacts().revision;
  AddSnapshot("2026-11-22T03:00:00Z_etcd", ASnapshot());
  world.StopContainer(world.Of("n2"), "etcd");
  if (world.nodes.contains("n3")) world.StopContainer(world.Of("n3"), "etcd");
}

Rig::~Rig() { std::filesystem::remove_all(folder); }

void Rig::AddSnapshot(const std::string& key, const std::string& bytes) {
  bucket.objects[key] = {bytes, clock.Now()};
}

void Rig::MakeAlive() {
  for (auto& [name, node] : world.nodes) world.StartContainer(node, "etcd", false);
}

void Rig::LoseFolder() {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
}

void Rig::Respec(const Json& patch) { target = ATarget(patch); }

RunRecord Rig::Run(const RunRequest& request, const Call& call) {
  world.Revive();
  return RunKilled(request, call);
}

RunRecord Rig::RunKilled(const RunRequest& request, const Call& call) {
  const Holder holder{"process-" + std::to_string(++processes), "prod"};
  Crew crew(target, [&](const Call&, const TargetNode& node) -> Result<std::unique_ptr<Machine>> {
    if (!world.Of(node.name).reachable) return Transient("Unreachable", node.name + " is away");
    return std::unique_ptr<Machine>(
        std::make_unique<FakeMachine>(world, node.name, holder, target.run));
  });
  const auto replaced = [](const Call&,
                           const TargetNode& node) -> Result<std::unique_ptr<Machine>> {
    return Transient("Unreachable", node.name + " is gone for good");
  };
  Executor executor({target, crew, rke, api, replaced, ParseState, "nodes: []\n", folder,
                     [&](const std::string& line) { listener.OnNote(line); },
                     [&](const std::string& what, std::uint64_t done, std::uint64_t total) {
                       listener.OnBytes(what, done, total);
                     }});
  Reconciler reconciler({target,
                         crew,
                         executor,
                         clock,
                         listener,
                         [&](const Call&) -> Result<std::vector<SnapshotSource>> {
                           std::vector<SnapshotSource> sources;
                           sources.push_back({std::make_unique<MemoryStore>(bucket), "", false});
                           return sources;
                         },
                         {},
                         [] {
                           return std::map<std::string, std::string>{{"n1", "SHA256:key"}};
                         },
                         [&](const Call& one) { return rke.Version(one); },
                         [&](const std::string& who) { return holders_die && who != holder.id; },
                         [&](const Call&, Duration duration) {
                           clock.Advance(duration);
                           if (on_wait) on_wait();
                         },
                         folder},
                        request);
  return reconciler.Run(call);
}

RunRecord Rig::RunToEnd(int at_most) {
  RunRequest request;
  RunRecord record;
  for (int i = 0; i < at_most; ++i) {
    record = Run(request);
    if (record.ending == Ending::kDone) break;
    if (record.document) request.approved_plan = record.document->hash;
  }
  return record;
}

}  // namespace etcdrestore::fakes
