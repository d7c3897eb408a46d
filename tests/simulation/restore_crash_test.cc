// The operator is killed in every call that changes something, before it, inside it and after it,
// and dockerd of every node is restarted after every such call: a new process comes to the same
// end, and none of the world's laws is broken on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/fakes/rig.h"

namespace etcdrestore {
namespace {

using fakes::Rig;
using Json = nlohmann::ordered_json;
using testing::IsEmpty;

struct Scenario {
  const char* name;
  const char* patch;
};
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

Json PatchOf(const Scenario& scenario) { return Json::parse(scenario.patch); }

/// How it goes when nothing happens.
struct Undisturbed {
  std::vector<std::string> calls;
  std::string end;
};

Undisturbed Quiet(const Scenario& scenario) {
  Rig rig(PatchOf(scenario));
  const RunRecord record = rig.Run();
  EXPECT_EQ(record.ending, Ending::kDone) << record.error.message;
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
  return {rig.world.Calls(), rig.world.EndState()};
}

class RestoreCrash : public testing::TestWithParam<Scenario> {
 protected:
  static void SetUpTestSuite() {}
  void ExpectSameEnd(Rig& rig, const Undisturbed& quiet) {
    const RunRecord record = rig.RunToEnd();
    EXPECT_EQ(record.ending, Ending::kDone) << record.error.reason << " " << record.error.message;
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    EXPECT_EQ(rig.world.EndState(), quiet.end);
    ExpectNewNetworkPods(rig);
  }
  static void ExpectNewNetworkPods(const Rig& rig) {
    EXPECT_THAT(rig.world.network_pods, testing::Not(IsEmpty()));
    for (const NetworkPod& pod : rig.world.network_pods)
      EXPECT_GT(pod.started_at, ParseReceipt(rig.world.nodes.at(pod.node).receipt)->restored_at)
          << pod.name;
  }
};

TEST_P(RestoreCrash, QuietRunEndsWithEveryMemberOnThisRunsData) {
  Rig rig(PatchOf(GetParam()));
  const RunRecord record = rig.Run();
  ASSERT_EQ(record.ending, Ending::kDone) << record.error.message;
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
  for (const auto& [name, node] : rig.world.nodes) {
    SCOPED_TRACE(name);
    for (const std::string& component : node.target.Components()) {
      EXPECT_TRUE(node.containers.at(component).running) << component;
      EXPECT_EQ(node.containers.at(component).policy, "always") << component;
    }
    EXPECT_EQ(ParseReceipt(node.receipt)->stage, Stage::kFinished);
    EXPECT_EQ(node.lock.holder, "");
    if (!node.target.etcd) continue;
    ASSERT_TRUE(node.member);
    EXPECT_EQ(node.member->run, rig.target.run);
    if (!node.target.replacement) {
      EXPECT_EQ(node.runs.at(rig.target.run).kept->content, "old");
    }
  }
  EXPECT_EQ(rig.world.kube_nodes.size(), rig.target.nodes.size());
  ExpectNewNetworkPods(rig);
}

TEST_P(RestoreCrash, KilledAnywhereAndStartedAgainComesToTheSameEnd) {
  const Undisturbed quiet = Quiet(GetParam());
  for (std::size_t at = 0; at < quiet.calls.size(); ++at) {
    for (const bool inside : {false, true}) {
      SCOPED_TRACE(std::string(inside ? "inside" : "before") + " call " + std::to_string(at) +
                   ": " + quiet.calls[at]);
      Rig rig(PatchOf(GetParam()));
      rig.world.KillAfter(quiet.calls, at, inside);
      const RunRecord killed = rig.RunKilled();
      EXPECT_TRUE(rig.world.Killed());
      // Giving the nodes back is the last thing; a process that dies there has done its work.
      if (quiet.calls[at].find(" release") == std::string::npos) {
        EXPECT_NE(killed.ending, Ending::kDone);
      }
      ExpectSameEnd(rig, quiet);
      if (HasFailure()) return;
    }
  }
}

TEST_P(RestoreCrash, KilledAndGoneWithItsDiskComesToTheSameEnd) {
  const Undisturbed quiet = Quiet(GetParam());
  for (std::size_t at = 0; at < quiet.calls.size(); at += 3) {
    SCOPED_TRACE("before call " + std::to_string(at) + ": " + quiet.calls[at]);
    Rig rig(PatchOf(GetParam()));
    rig.world.KillAfter(quiet.calls, at, false);
    (void)rig.RunKilled();
    rig.LoseFolder();
    ExpectSameEnd(rig, quiet);
    if (HasFailure()) return;
  }
}

TEST_P(RestoreCrash, DockerRestartedAfterAnyCallStartsNothingThatMustBeDown) {
  const Undisturbed quiet = Quiet(GetParam());
  for (const char* name : {"n1", "n2"}) {
    for (std::size_t at = 1; at <= quiet.calls.size(); ++at) {
      SCOPED_TRACE(std::string("dockerd of ") + name + " after call " + std::to_string(at) + ": " +
                   quiet.calls[at - 1]);
      Rig rig(PatchOf(GetParam()));
      rig.world.After(at, [&rig, name] { rig.world.RestartDocker(rig.world.Of(name)); });
      const RunRecord record = rig.RunToEnd();
      EXPECT_EQ(record.ending, Ending::kDone) << record.error.message;
      EXPECT_THAT(rig.world.Violations(), IsEmpty());
      for (const auto& [node_name, node] : rig.world.nodes) {
        for (const std::string& component : node.target.Components())
          EXPECT_EQ(node.containers.at(component).policy, "always") << node_name << component;
      }
      if (HasFailure()) return;
    }
  }
}

TEST_P(RestoreCrash, RandomWalkOfFaultsEndsWell) {
  const char* given = std::getenv("ETCDRESTORE_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device{}();
  std::cout << "random walk with ETCDRESTORE_SEED=" << seed << "\n";
  std::mt19937 random(seed);
  const auto upto = [&](std::size_t n) { return random() % n; };
  const Undisturbed quiet = Quiet(GetParam());
  for (int walk = 0; walk < 40; ++walk) {
    SCOPED_TRACE("walk " + std::to_string(walk) + " of seed " + std::to_string(seed));
    Rig rig(PatchOf(GetParam()));
    const char* nodes[] = {"n1", "n2", "w1"};
    for (std::size_t i = upto(3); i > 0; --i) {
      auto& node = rig.world.Of(nodes[upto(3)]);
      rig.world.After(1 + upto(quiet.calls.size()),
                      [&rig, &node] { rig.world.RestartDocker(node); });
    }
    RunRequest request;
    for (std::size_t kills = upto(4); kills > 0; --kills) {
      rig.world.Revive();
      rig.world.KillAfter(quiet.calls, upto(quiet.calls.size()), upto(2) == 0);
      rig.world.FailOnce(nodes[upto(3)], 1 + upto(10));
      const RunRecord record = rig.RunKilled(request);
      if (record.document) request.approved_plan = record.document->hash;
    }
    const RunRecord record = rig.RunToEnd(4);
    EXPECT_EQ(record.ending, Ending::kDone) << record.error.message;
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, RestoreCrash,
                         testing::Values(Scenario{"InPlace", R"({"strategy": "InPlace"})"},
                                         Scenario{"Rebuild", R"({"strategy": "Rebuild"})"},
                                         Scenario{"Replace",
                                                  R"({"replaceNodes": [{"address": "10.0.0.3",
                      "with": {"address": "10.0.0.4", "hostnameOverride": "n4"}}]})"}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace etcdrestore
