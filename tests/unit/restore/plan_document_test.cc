// What a person reads and approves before anything is changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::Not;

PlanDocument PlanOf(const View& view, const std::map<std::string, std::string>& keys = {}) {
  return MakePlanDocument(view.target, view.plan, {}, LivenessOf(view.target, view.seen), view.seen,
                          keys);
}

TEST(Plan, HashStaysWhenOnlyMeasuredThingsChange) {
  View view;
  const std::string hash = PlanOf(view).hash;
  view.At("n1").etcd->revision += 1000;
  view.At("n1").now += 60;
  view.At("n2").data.data_available -= 5;
  view.Container("w1", "k8s_POD_x").running = true;
  view.plan.bump += 5;
  view.At("n3").api.ready = false;
  EXPECT_EQ(PlanOf(view).hash, hash);
  View rebuild(R"({"strategy": "Rebuild"})");
  rebuild.plan.strategy = StrategyKind::kRebuild;
  const std::string before = PlanOf(rebuild).hash;
  rebuild.Container("n1", "k8s_POD_x").running = true;
  EXPECT_EQ(PlanOf(rebuild).hash, before);
  EXPECT_THAT(PlanOf(rebuild).loses, testing::Contains(HasSubstr("n1: 7 containers")));
  EXPECT_THAT(PlanOf(rebuild).loses, testing::Contains(HasSubstr("among them 1 pods")));
}

TEST(Plan, SaysWhichContainersAndVolumesARebuildDestroys) {
  const auto plan = [](const char* clean) {
    View view(clean);
    view.plan.strategy = StrategyKind::kRebuild;
    view.Container("n1", "backup-agent").running = true;
    view.Container("w1", "left-alone").running = true;
    return PlanOf(view);
  };
  const PlanDocument rke = plan("{}");
  EXPECT_THAT(rke.destroys, testing::Contains(HasSubstr("n1: containers of rke")));
  EXPECT_THAT(rke.destroys, testing::Contains(HasSubstr("with their unnamed volumes")));
  EXPECT_THAT(rke.keeps, testing::Contains(HasSubstr("not the cluster's: backup-agent")));
  EXPECT_THAT(rke.loses, testing::Each(Not(HasSubstr("backup-agent"))));
  const PlanDocument all = plan(R"({"clean": {"containers": "All", "volumes": "None"}})");
  EXPECT_THAT(all.destroys, testing::Contains(HasSubstr("n1: ALL containers")));
  EXPECT_THAT(all.destroys, testing::Each(Not(HasSubstr("volumes"))));
  EXPECT_THAT(all.loses, testing::Contains(HasSubstr("not the cluster's: backup-agent")));
  EXPECT_THAT(all.loses, testing::Each(Not(HasSubstr("left-alone")))) << "workers are not cleaned";
  EXPECT_THAT(all.keeps, testing::Each(Not(HasSubstr("not the cluster's"))));
}

TEST(Plan, HashChangesWithEveryInput) {
  const std::vector<std::pair<const char*, void (*)(View&)>> cases = {
      {"snapshot", [](View& v) { v.plan.snapshot.facts.sha256 = "x"; }},
      {"strategy", [](View& v) { v.plan.strategy = StrategyKind::kRebuild; }},
      {"a node's address", [](View& v) { v.target.nodes[1].node.address = "10.9.9.9"; }},
      {"a node's roles", [](View& v) { v.target.nodes[1].node.roles = {"etcd"}; }},
      {"a node more", [](View& v) { v.target.nodes.push_back(v.target.nodes[0]); }},
      {"spec", [](View& v) { v.target.spec_digest = "x"; }},
      {"cluster.yml", [](View& v) { v.target.config.raw["services"] = {}; }},
      {"state", [](View& v) { v.target.state->raw["desiredState"]["rkeConfig"] = "x"; }},
      {"no state", [](View& v) { v.target.state.reset(); }},
  };
  const std::string hash = PlanOf(View()).hash;
  for (const auto& [name, spoil] : cases) {
    SCOPED_TRACE(name);
    View view;
    spoil(view);
    EXPECT_NE(PlanOf(view).hash, hash);
  }
  EXPECT_NE(PlanOf(View(), {{"n1", "SHA256:x"}}).hash, hash);
  EXPECT_NE(PlanOf(View(), {{"n1", "SHA256:x"}}).hash, PlanOf(View(), {{"n1", "SHA256:y"}}).hash);
}

TEST(Plan, TellsWhyApprovalIsNeeded) {
  View view;
  EXPECT_THAT(PlanOf(view).approval_reason, HasSubstr("ready API server"));
  for (const char* node : {"n1", "n2", "n3"}) view.At(node).api.ready = false;
  EXPECT_EQ(PlanOf(view).approval_reason, "");
  view.plan.snapshot.facts.has_kube_system = false;
  EXPECT_THAT(PlanOf(view).approval_reason, HasSubstr("no namespace kube-system"));
  view.plan.snapshot.facts.has_kube_system = true;
  StrategyChoice escalated;
  escalated.escalated = true;
  escalated.reason = "n1 is broken";
  const auto plan = MakePlanDocument(view.target, view.plan, escalated, {}, view.seen, {});
  EXPECT_THAT(plan.approval_reason, HasSubstr("n1 is broken"));
  View manual(R"({"approval": "Manual"})");
  for (const char* node : {"n1", "n2", "n3"}) manual.At(node).api.ready = false;
  EXPECT_EQ(PlanOf(manual).approval_reason, "spec.approval is Manual");
}

TEST(Plan, ALostMajorityOfMembersIsAPersonsDecision) {
  const auto reason = [](const char* spec) {
    View view(spec);
    for (const char* node : {"n1", "n2", "n3"}) view.At(node).api.ready = false;
    return PlanOf(view).approval_reason;
  };
  EXPECT_EQ(
      reason(R"({"replaceNodes": [{"address": "10.0.0.3", "with": {"address": "10.0.0.4"}}]})"),
      "");
  EXPECT_THAT(reason(R"({"replaceNodes": [{"address": "10.0.0.3", "with": {"address": "10.0.0.4"}},
                                  {"address": "10.0.0.2", "with": {"address": "10.0.0.5"}}]})"),
              testing::AllOf(HasSubstr("2 of 3 etcd nodes"), HasSubstr("second cluster")));
}

TEST(Plan, NamesOldDataOnEveryEtcdNodeAndTheWayBack) {
  View view;
  view.At("n2").data.is_mount = true;
  const auto keeps = PlanOf(view).keeps;
  ASSERT_EQ(keeps.size(), 4U);
  EXPECT_THAT(keeps[0], HasSubstr("/var/lib/etcd-before-" + view.target.run));
  EXPECT_THAT(keeps[1], HasSubstr("/var/lib/etcd/.before-" + view.target.run));
  const auto way_back = WayBack(view.target, view.At("n1"));
  EXPECT_THAT(way_back, testing::Contains(HasSubstr("/var/lib/etcd-before-" + view.target.run +
                                                    "/member /var/lib/etcd/member")));
}

}  // namespace
}  // namespace etcdrestore
