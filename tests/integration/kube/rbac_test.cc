// A controller with the shipped roles goes through everything that it may ask of the API, and what
// it asked is exactly what the roles allow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "operator/adapters/kube/kube_client.h"
#include "operator/adapters/yaml/yaml_loader.h"
#include "operator/base/files.h"
#include "operator/kubernetes/scrape_guard.h"
#include "tests/integration/kube/live_controller.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOwn = "etcdrestore-system";
constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";

/// Notes "verb resource" of what is asked; of the own namespace with "own " in front.
class Noting final : public KubeApi {
 public:
  explicit Noting(KubeApi& api) : api_(api) {}
  Result<KubeObject> Get(const Call& call, const KubeType& type, const KubeName& name) override {
    Note("get", type, name.name_space, "");
    return api_.Get(call, type, name);
  }
  Result<KubeListEnd> List(const Call& call, const KubeType& type, const std::string& name_space,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override {
    Note("list", type, name_space, "");
    return api_.List(call, type, name_space, options, item);
  }
  Status Watch(const Call& call, const KubeType& type, const std::string& name_space,
               const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override {
    Note("watch", type, name_space, "");
    return api_.Watch(call, type, name_space, options, event);
  }
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    const std::string sub = write.subresource.empty() ? "" : "/" + write.subresource;
    const std::string& space = write.name.name_space;
    switch (write.verb) {
      case KubeVerb::kCreate:
        Note("create", write.type, space, sub);
        break;
      case KubeVerb::kReplace:
        Note("update", write.type, space, sub);
        break;
      case KubeVerb::kApply:
        Note("patch", write.type, space, sub);
        // An apply may make the object; the uid says where it must not.
        if (sub.empty() && !write.body["metadata"].contains("uid"))
          Note("create", write.type, space, sub);
        break;
      case KubeVerb::kMerge:
        Note("patch", write.type, space, sub);
        break;
      case KubeVerb::kDelete:
        Note("delete", write.type, space, sub);
        break;
    }
    auto wrote = api_.Write(call, write);
    if (!wrote && wrote.error().reason == "Forbidden") ADD_FAILURE() << wrote.error().message;
    return wrote;
  }
  std::set<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void Note(const std::string& verb, const KubeType& type, const std::string& space,
            const std::string& sub) {
    const std::lock_guard lock(mutex_);
    asked_.insert((space == kOwn ? "own " : "") + verb + " " + type.plural + sub);
  }
  KubeApi& api_;
  std::mutex mutex_;
  std::set<std::string> asked_;
};

std::string RolesOf(const std::string& part) {
  return std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/" + part + "/rbac.yaml";
}

/// "verb resource" of every rule of a file's roles of that name; "own " for those of the operator's
/// namespace.
std::set<std::string> Allowed(const std::string& path, const std::string& name) {
  std::set<std::string> allowed;
  const auto documents = LoadYaml(*ReadFile(path), path);
  EXPECT_TRUE(documents);
  for (const YamlDocument& document : *documents) {
    const KubeObject& role = document.value;
    if (!role.contains("rules") || role["metadata"]["name"] != name) continue;
    for (const KubeObject& rule : role["rules"]) {
      for (const KubeObject& resource : rule["resources"]) {
        for (const KubeObject& verb : rule["verbs"])
          allowed.insert((role["kind"] == "Role" ? "own " : "") + verb.get<std::string>() + " " +
                         resource.get<std::string>());
      }
    }
  }
  return allowed;
}

void NoWait(const Call&, Duration) {}

TEST(Roles, AllowExactlyWhatTheOperatorAsks) {
  ASSERT_TRUE(Server().Apply(RolesOf("default")));
  RealClock clock;
  KubeClientOptions options;
  const auto client =
      MakeKubeClient(Server().Access(kUser, "system:serviceaccounts"), options, clock);
  Noting api(*client);
  LeaderGuard guard(clock);
  EventRecorder events(api, clock, "test");
  LeaderElection election({api,
                           clock,
                           NoWait,
                           [] { return 0.0; },
                           guard,
                           {},
                           {},
                           [&](const KubeObject& lease, bool leads) {
                             events.RecordAbout(Regarding(lease), LeadershipNote("test", leads));
                           }},
                          {{kOwn, "roles-test"}, "test"});
  ASSERT_TRUE(election.Acquire({}));
  election.Release({});

  const KubeName name{"recovery", "roles"};
  KubeObject restore = UnreachableRestore("roles", "roles");
  restore["spec"]["ssh"]["knownHosts"] = {
      {"configMapRef", {{"name", "roles-hosts"}, {"key", "known_hosts"}}}};
  const KubeObject hosts = {{"apiVersion", "v1"},
                            {"kind", "ConfigMap"},
                            {"metadata", {{"name", "roles-hosts"}, {"namespace", "recovery"}}},
                            {"data", {{"known_hosts", ""}}}};
  ASSERT_TRUE(Server().api().Write(
      {}, {KubeVerb::kApply, kConfigMaps, {"recovery", "roles-hosts"}, "", hosts}));
  const auto made = Server().api().Write({}, {KubeVerb::kCreate, kEtcdRestores, name, "", restore});
  ASSERT_TRUE(made) << made.error().message;
  std::optional<KubeObject> listed;
  const auto end = api.List({}, kEtcdRestores, "", {}, [&](KubeObject one) {
    if (one["metadata"]["name"] == "roles") listed = std::move(one);
  });
  ASSERT_TRUE(end) << end.error().message;
  ASSERT_TRUE(api.Watch({}, kEtcdRestores, "", {end->resource_version, 1s}, [](KubeEvent) {}));

  const std::string output = Server().folder() + "/made";
  ASSERT_TRUE(WriteFileAtomically(output, "state"));
  LiveController live(api, [&](const Call&, const SessionInput& input, RunListener&) {
    EXPECT_TRUE(PassThePoint(input));
    SessionResult result = Ends(input, Ending::kDone, {});
    result.made["cluster.rkestate"] = output;
    return result;
  });
  live.Hear(*listed);
  live.Pass(name);
  // A watch that is dead: the cache never hears of what was written, and the server is asked.
  live.clock.Advance(61s);
  live.Pass(name);

  KubeObject object = Server().api().Get({}, kEtcdRestores, name).value();
  EXPECT_EQ(object["status"]["phase"], "Succeeded");
  EXPECT_EQ(object["status"]["outputs"]["clusterState"], "secret/roles-outputs");
  EXPECT_FALSE(object["metadata"].contains("finalizers"));
  EXPECT_EQ(live.runs, 1);
  // Said again it becomes a series. Events are written by a thread of their own.
  EtcdRestore twice;
  twice.name = "roles";
  twice.name_space = "recovery";
  twice.uid = object["metadata"]["uid"];
  for (int i = 0; i < 2; ++i) events.Record(twice, {false, "SaidTwice", "Look", "words"});
  events.Flush(60s);

  // As a run that is gone on with does.
  KubeObject plain = object;
  plain.erase("status");
  const auto parsed = ParseEtcdRestore(plain);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_FALSE(*live.ledger.Inputs({}, *parsed)) << "the copies of a run that ended are gone";

  const std::set<std::string> asked = api.asked();
  const std::set<std::string> allowed = Allowed(RolesOf("default"), "etcdrestore-operator");
  // The Role is enough for its own namespace: the ClusterRole may be bound to one other only.
  for (const std::string& one : asked) EXPECT_TRUE(allowed.contains(one)) << "missing: " << one;
  for (const std::string& one : allowed) EXPECT_TRUE(asked.contains(one)) << "unused: " << one;
}

TEST(Roles, OfSecureMetricsAllowExactlyTheTwoReviews) {
  ASSERT_TRUE(Server().Apply(RolesOf("secure-metrics")));
  ASSERT_TRUE(Allows(kUser, {"create", "subjectaccessreviews.authorization.k8s.io"}));
  (void)Server().Kubectl({"create", "serviceaccount", "judged", "-n", "recovery"});
  const auto token = Server().Kubectl({"create", "token", "judged", "-n", "recovery"});
  ASSERT_TRUE(token) << token.error().message;
  RealClock clock;
  const auto client = MakeKubeClient(Server().Access(kUser, "system:serviceaccounts"), {}, clock);
  Noting api(*client);
  ScrapeGuard guard(api, clock);
  const auto admission = guard.Admit({}, Secret(token->substr(0, token->find('\n'))), "/metrics");
  ASSERT_TRUE(admission) << admission.error().message;
  EXPECT_EQ(*admission, Admission::kDenied);
  EXPECT_EQ(api.asked(), Allowed(RolesOf("secure-metrics"), "etcdrestore-metrics-auth"));
}

}  // namespace
}  // namespace etcdrestore::testing
