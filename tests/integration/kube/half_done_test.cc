// Half a restore while its namespace goes away under it, with the roles that are shipped.
#include <gtest/gtest.h>

#include "operator/adapters/kube/kube_client.h"
#include "operator/base/files.h"
#include "operator/kubernetes/status_document.h"
#include "tests/integration/kube/live_controller.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

constexpr const char* kUser = "system:serviceaccount:etcdrestore-system:etcdrestore-operator";
const KubeName kName{"leaving", "half"};
const KubeName kItsSecret{"leaving", "half-inputs"};

std::string ConfigOf(const SessionInput& input) {
  const auto text = input.values.Resolve(input.object.spec.cluster_config);
  EXPECT_TRUE(text) << text.error().message;
  return text ? text->Reveal() : "";
}

TEST(HalfDone, ARestoreWhoseNamespaceIsDeletedComesToItsEndFromTheCopyOfItsInputs) {
  ASSERT_TRUE(Server().Apply(std::string(ETCDRESTORE_SOURCE_DIR) + "/manifests/default/rbac.yaml"));
  ASSERT_TRUE(Allows(kUser, {"delete", "secrets", "-n", "etcdrestore-system"}));
  KubeApi& admin = Server().api();
  ASSERT_TRUE(Server().MakeNamespace(kName.name_space));
  KubeObject object = UnreachableRestore(kName.name, "half");
  object["metadata"]["namespace"] = kName.name_space;
  KubeObject secret = *admin.Get({}, kSecrets, {"recovery", kItsSecret.name});
  secret["metadata"] = {{"name", kItsSecret.name}, {"namespace", kName.name_space}};
  ASSERT_TRUE(admin.Write({}, {KubeVerb::kCreate, kSecrets, kItsSecret, "", secret}));
  ASSERT_TRUE(admin.Write({}, {KubeVerb::kCreate, kEtcdRestores, kName, "", object}));

  const RealClock clock;
  const auto api = MakeKubeClient(Server().Access(kUser, "system:serviceaccounts"), {}, clock);
  std::string before;
  LiveController first(*api, [&](const Call&, const SessionInput& input, RunListener&) {
    before = ConfigOf(input);
    const Status may = PassThePoint(input);
    EXPECT_TRUE(may) << may.error().message;
    first.stop.request_stop();  // SIGTERM half done
    return Ends(input, Ending::kNeedsAttention, Transient("Interrupted", ""));
  });
  first.Hear(*admin.Get({}, kEtcdRestores, kName));
  first.Pass(kName);
  ASSERT_EQ(first.runs, 1);

  ASSERT_TRUE(admin.Write(
      {}, {KubeVerb::kDelete, {"", "v1", "namespaces"}, {"", kName.name_space}, "", {}}));
  // What the namespace's controller does; the object has a finalizer, its Secret has none.
  ASSERT_TRUE(admin.Write({}, {KubeVerb::kDelete, kSecrets, kItsSecret, "", {}}));
  ASSERT_TRUE(admin.Write({}, {KubeVerb::kDelete, kEtcdRestores, kName, "", {}}));
  const auto left = admin.Get({}, kEtcdRestores, kName);
  ASSERT_TRUE(left) << "the finalizer holds it";
  ASSERT_TRUE((*left)["metadata"].contains("deletionTimestamp"));

  const std::string output = Server().folder() + "/made-half";
  ASSERT_TRUE(WriteFileAtomically(output, "state"));
  std::string after;
  LiveController next(*api, [&](const Call&, const SessionInput& input, RunListener&) {
    after = ConfigOf(input);
    SessionResult result = Ends(input, Ending::kDone, {});
    result.made["cluster.rkestate"] = output;
    return result;
  });
  next.Hear(*left);
  next.Pass(kName);
  EXPECT_EQ(next.runs, 1);
  EXPECT_FALSE(before.empty());
  EXPECT_EQ(after, before);
  ASSERT_TRUE(next.last.is_object()) << "the run has ended";
  EXPECT_EQ(next.last["phase"], "Succeeded");
  // The server makes nothing new in such a namespace; the person is told where the new state lies.
  EXPECT_NE(next.last["outputs"]["clusterState"].get<std::string>().find(output),
            std::string::npos);
  EXPECT_FALSE(admin.Get({}, kEtcdRestores, kName)) << "and nothing holds the namespace";
  EtcdRestore gone = BareObject(*left);
  gone.spec.cluster_name = "half";
  gone.spec.run_id = "r1";
  EXPECT_FALSE(*next.ledger.Inputs({}, gone)) << "no copy of a key is left";
  const auto entry = *next.ledger.Read({}, gone);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->phase, "Succeeded");
}

}  // namespace
}  // namespace etcdrestore::testing
