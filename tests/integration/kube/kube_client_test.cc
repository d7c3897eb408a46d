#include "operator/adapters/kube/kube_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "operator/kubernetes/status_document.h"
#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

KubeObject Map(const std::string& name, const std::string& value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "recovery"}}},
          {"data", {{"key", value}}}};
}

KubeName Named(const std::string& name) { return {"recovery", name}; }

TEST(KubeClient, WritesAndReadsWithTheServersOwnReasons) {
  KubeApi& api = Server().api();
  EXPECT_EQ(api.Get({}, kConfigMaps, Named("crud")).error().reason, "NotFound");
  const KubeWrite create{KubeVerb::kCreate, kConfigMaps, Named("crud"), "", Map("crud", "1")};
  const auto made = api.Write({}, create);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(api.Write({}, create).error().reason, "AlreadyExists");
  KubeObject stale = *made;
  ASSERT_TRUE(api.Write({}, {KubeVerb::kMerge, kConfigMaps, Named("crud"), "",
                             KubeObject{{"data", {{"key", "2"}}}}}));
  const auto conflict = api.Write({}, {KubeVerb::kReplace, kConfigMaps, Named("crud"), "", stale});
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().reason, "Conflict");
  EXPECT_EQ(conflict.error().kind, ErrorKind::kTransient);
  EXPECT_EQ((*api.Get({}, kConfigMaps, Named("crud")))["data"]["key"], "2");
  const KubeWrite remove{KubeVerb::kDelete, kConfigMaps, Named("crud"), "", {}};
  EXPECT_TRUE(api.Write({}, remove));
  EXPECT_TRUE(api.Write({}, remove)) << "gone already is done";
}

TEST(KubeClient, AKindThatTheServerDoesNotKnowIsToldFromAnObjectThatIsNotThere) {
  KubeApi& api = Server().api();
  for (const KubeType& type :
       {KubeType{"etcdrestore.io", "v1alpha1", "others"}, KubeType{"other.io", "v1", "others"}}) {
    const auto got = api.Get({}, type, Named("a"));
    const auto listed = api.List({}, type, "", {}, [](KubeObject) {});
    const auto watched = api.Watch({}, type, "", {}, [](KubeEvent) {});
    const auto removed = api.Write({}, {KubeVerb::kDelete, type, Named("a"), "", {}});
    ASSERT_FALSE(got || listed || watched || removed);
    for (const Error& error : {got.error(), listed.error(), watched.error(), removed.error()}) {
      EXPECT_EQ(error.reason, "BadAnswer");
      EXPECT_THAT(error.message, HasSubstr("404 page not found"));
      EXPECT_THAT(error.message, HasSubstr("kubectl apply -k manifests/default"));
    }
  }
}

TEST(KubeClient, AppliesToAnObjectOfThatUidAndToNoOther) {
  KubeApi& api = Server().api();
  KubeObject body = Map("uid", "1");
  body["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000";
  const auto wrote = api.Write({}, {KubeVerb::kApply, kConfigMaps, Named("uid"), "", body});
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().reason, "Conflict");
}

TEST(KubeClient, ListsPageByPage) {
  KubeApi& api = Server().api();
  for (int i = 0; i < 7; ++i) {
    const std::string name = "page-" + std::to_string(i);
    ASSERT_TRUE(api.Write({}, {KubeVerb::kApply, kConfigMaps, Named(name), "", Map(name, "x")}));
  }
  std::set<std::string> names;
  const auto end = api.List({}, kConfigMaps, "recovery", {"", 3}, [&](KubeObject object) {
    EXPECT_TRUE(names.insert(object["metadata"]["name"]).second) << "never twice";
  });
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_TRUE(end->paged);
  EXPECT_FALSE(end->resource_version.empty());
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(names.contains("page-" + std::to_string(i)));
}

TEST(KubeClient, WatchesFromAVersionOn) {
  KubeApi& api = Server().api();
  const auto from = api.List({}, kConfigMaps, "recovery", {}, [](KubeObject) {});
  ASSERT_TRUE(from);
  std::jthread writer([&] {
    for (const char* value : {"1", "2"})
      (void)api.Write({}, {KubeVerb::kApply, kConfigMaps, Named("w"), "", Map("w", value)});
    (void)api.Write({}, {KubeVerb::kDelete, kConfigMaps, Named("w"), "", {}});
  });
  std::vector<KubeEventType> types;
  std::stop_source enough;
  Call call;
  call.stop = enough.get_token();
  const Status ended =
      api.Watch(call, kConfigMaps, "recovery", {from->resource_version, 30s}, [&](KubeEvent event) {
        if (event.object["metadata"].value("name", "") != "w") return;
        types.push_back(event.type);
        if (event.type == KubeEventType::kDeleted) enough.request_stop();
      });
  EXPECT_EQ(ended.error().reason, "Interrupted");
  EXPECT_THAT(types, ::testing::ElementsAre(KubeEventType::kAdded, KubeEventType::kModified,
                                            KubeEventType::kDeleted));
}

TEST(KubeClient, AWatchEndsWhenTheServerSaysSo) {
  const auto from = Server().api().List({}, kConfigMaps, "recovery", {}, [](KubeObject) {});
  EXPECT_TRUE(Server().api().Watch({}, kConfigMaps, "recovery", {from->resource_version, 1s},
                                   [](KubeEvent) {}));
}

TEST(KubeClient, SaysWhatARoleDoesNotAllow) {
  const RealClock clock;
  KubeClientOptions options;
  const auto nobody = MakeKubeClient(Server().Access("nobody", "nothing"), options, clock);
  const auto got = nobody->Get({}, kSecrets, Named("x"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().reason, "Forbidden");
  EXPECT_EQ(got.error().kind, ErrorKind::kTerminal);
}

TEST(KubeClient, EveryStatusOutsideARunIsTakenByTheServer) {
  KubeApi& api = Server().api();
  const KubeObject object = UnreachableRestore("status", "status");
  const auto made = api.Write({}, {KubeVerb::kApply, kEtcdRestores, Named("status"), "", object});
  ASSERT_TRUE(made) << made.error().message;
  for (const char* phase : {"Pending", "Rejected", "Cancelled", "Failed", "Succeeded"}) {
    SCOPED_TRACE(phase);
    const KubeObject status =
        NextStatus({}, OutsideRunStatus(BareObject(*made), phase, "Because", std::string(3000, 'x'),
                                        RealClock().Now()));
    const auto wrote =
        api.Write({}, {KubeVerb::kApply, kEtcdRestores, Named("status"), "status",
                       KubeObject{{"apiVersion", "etcdrestore.io/v1alpha1"},
                                  {"kind", "EtcdRestore"},
                                  {"metadata", {{"name", "status"}, {"namespace", "recovery"}}},
                                  {"status", status}}});
    ASSERT_TRUE(wrote) << wrote.error().message;
    EXPECT_EQ(nlohmann::json((*wrote)["status"]), nlohmann::json(status)) << "kept as written";
  }
}

}  // namespace
}  // namespace etcdrestore::testing
