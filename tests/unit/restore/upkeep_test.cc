// What a run does beside moving data: waiting, old data, containers, images, network pods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "reconcilers/restore/old_data.h"
#include "tests/unit/restore/runs.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using fakes::Rig;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// Which of a node's own changing calls is the first that begins with `act`, counted from one.
std::size_t OwnCall(const std::vector<std::string>& calls, const std::string& node,
                    const std::string& act) {
  std::size_t own = 0;
  for (const std::string& call : calls) {
    own += call.starts_with(node + " ") ? 1U : 0U;
    if (call.starts_with(node + " " + act)) return own;
  }
  ADD_FAILURE() << node << " was never asked to " << act;
  return 0;
}

TEST(Faults, ACommitThatWroteNothingAnywhereChangedNothing) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  Rig rig(Json::parse(R"({"attempts": 1})"));
  for (const auto& [name, node] : rig.world.nodes)
    rig.world.FailOnce(name, OwnCall(quiet.world.Calls(), name, "receipt committed"));
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "3 ConnectionLost");
  EXPECT_FALSE(record.point_of_no_return);
  EXPECT_THAT(Touching(rig), IsEmpty());
  EXPECT_EQ(Said(rig.Run()), "0");
}

TEST(Faults, ACommitThatIsWrittenOrMayBeOnOneNodeNeedsAttention) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  Rig written(Json::parse(R"({"attempts": 1})"));
  written.world.FailOnce("n2", OwnCall(quiet.world.Calls(), "n2", "receipt committed"));
  const RunRecord record = written.Run();
  EXPECT_EQ(Said(record), "4 ConnectionLost");
  EXPECT_TRUE(record.point_of_no_return);
  EXPECT_EQ(Said(written.Run()), "0");

  Rig unknown(Json::parse(R"({"attempts": 1})"));
  for (const char* name : {"n1", "n2", "n3"})
    unknown.world.FailOnce(name, OwnCall(quiet.world.Calls(), name, "receipt committed"));
  const auto calls = quiet.world.Calls();
  const auto first = std::find_if(calls.begin(), calls.end(), [](const std::string& call) {
    return call.ends_with("receipt committed");
  });
  // The one commit that gets through is w1's, and then w1 is gone.
  unknown.world.After(static_cast<std::size_t>(first - calls.begin()) + 1,
                      [&] { unknown.world.Of("w1").reachable = false; });
  EXPECT_EQ(ExitCode(unknown.Run().ending), 4)
      << "a node that is not seen may have been written to";
}

TEST(Faults, WaitingForANodeUsesUpNoAttempts) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  Rig rig(Json::parse(R"({"attempts": 3})"));
  rig.world.After(quiet.world.CallCount() / 2, [&] { rig.world.Of("n2").reachable = false; });
  int waits = 0;
  rig.on_wait = [&] {
    if (rig.world.Of("n2").reachable || ++waits < 10) return;
    rig.world.Of("n2").reachable = true;
    rig.world.FailOnce("n2", 1);
  };
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "0") << record.error.message;
  EXPECT_EQ(waits, 10);
  EXPECT_THAT(rig.listener.notes, testing::Contains(HasSubstr("waiting for node n2")));
}

TEST(Faults, ANodeThatIsAwayIsWaitedForAndNamedUntilThePhaseEnds) {
  Rig rig;
  std::size_t committed = 0;
  {
    Rig quiet;
    ASSERT_EQ(Said(quiet.Run()), "0");
    while (quiet.world.Calls()[committed].find("policies") == std::string::npos) ++committed;
  }
  rig.world.After(committed + 1, [&] { rig.world.Of("n2").reachable = false; });
  const RunRecord record = rig.Run();
  EXPECT_EQ(Said(record), "4 DeadlineExceeded");
  EXPECT_THAT(record.error.message,
              AllOf(HasSubstr("phase Cleaned took longer than 10 min"),
                    HasSubstr("waiting for node n2 since 2026-11-22T05:00:"),
                    HasSubstr("until 2026-11-22T05:10:"), HasSubstr("deadline of phase Cleaned")));
  EXPECT_THAT(rig.listener.notes, testing::Contains(HasSubstr("waiting for node n2"))
                                      .Times(testing::Gt(rig.target.object.spec.attempts)));
  EXPECT_THAT(rig.listener.notes, testing::Each(testing::Not(HasSubstr("attempt 6 of 5"))));
  rig.world.Of("n2").reachable = true;
  EXPECT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
}

TEST(WaysOut, WhatWasStoppedRunsAgainWhenNoDataWasMoved) {
  Rig quiet;
  ASSERT_EQ(Said(quiet.Run()), "0");
  const auto calls = quiet.world.Calls();
  const std::pair<const char*, bool> cases[] = {
      {"policies", true},
      {"stop etcd-rolling-snapshots kube-controller-manager kube-scheduler kube-apiserver", true},
      {"move_aside", false},
      {"put_in_place", false}};
  for (const auto& [act, put_back] : cases) {
    SCOPED_TRACE(act);
    Rig rig(Json{{"attempts", 1}});
    rig.world.FailOnce("n1", OwnCall(calls, "n1", act));
    const RunRecord record = rig.Run();
    EXPECT_EQ(ExitCode(record.ending), 4);
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    for (const char* component : {"etcd", "kube-apiserver", "kube-scheduler"}) {
      EXPECT_EQ(rig.world.Of("n1").containers.at(component).running, put_back) << component;
      for (const char* name : {"n1", "n2", "n3"}) {
        EXPECT_EQ(rig.world.Of(name).containers.at(component).policy, put_back ? "always" : "no")
            << name << " " << component;
      }
    }
    const std::string stand = WhereThingsStand(rig.target, record);
    EXPECT_EQ(stand.find("stay off") == std::string::npos, put_back) << stand;
    EXPECT_EQ(Said(rig.Run()), "0") << "the same command goes on";
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
  }
}

TEST(WaysOut, OnlyWhatARunKnowsToBeWholeIsStartedAgain) {
  const struct {
    const char* name;
    void (*change)(Observation&);
    bool nothing_moved;
  } cases[] = {
      {"as it was", [](Observation&) {}, true},
      {"a node was not seen",
       [](Observation& seen) { seen.errors.emplace("w1", Transient("Unreachable", "")); }, false},
      {"this run moved data", [](Observation& seen) { seen.facts["n2"].data.kept_exists = true; },
       false},
      {"no data", [](Observation& seen) { seen.facts["n2"].data.member_exists = false; }, false},
      {"data of a run that was given up",
       [](Observation& seen) { seen.facts["n2"].data.member_run = "r0"; }, false},
      {"data of a run that ended well",
       [](Observation& seen) {
         seen.facts["n2"].data.member_run = "r0";
         seen.facts["n2"].finished_runs = {{"prod/recovery/a/r0", "r0", "", 1, 0}};
       },
       true},
  };
  const Target target = fakes::ATarget();
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    Observation seen;
    for (const TargetNode& node : target.nodes)
      seen.facts[node.name].data.member_exists = node.etcd;
    one.change(seen);
    EXPECT_EQ(NothingWasMoved(target, seen), one.nothing_moved);
  }
}

TEST(OldData, IsRemovedWhenItWasKeptLongEnoughAndNotBefore) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const auto kept = [&](const char* node) {
    return rig.world.Of(node).runs.at(rig.target.run).kept.has_value();
  };
  rig.clock.Advance(std::chrono::hours(167));
  const std::size_t calls = rig.world.CallCount();
  EXPECT_THAT(rig.Run().message, HasSubstr("Nothing was done"));
  EXPECT_EQ(rig.world.CallCount(), calls);
  rig.clock.Advance(std::chrono::hours(2));
  EXPECT_EQ(Said(rig.Run(Asked(RunMode::kCheck))), "0");
  EXPECT_EQ(rig.world.CallCount(), calls) << "check removes nothing";
  const RunRecord due = rig.Run();
  EXPECT_EQ(Said(due), "0");
  EXPECT_THAT(due.message, HasSubstr("was removed"));
  EXPECT_THAT(rig.listener.notes, testing::Contains(HasSubstr("n1: removed the old data")));
  for (const char* node : {"n1", "n2", "n3"}) {
    EXPECT_FALSE(kept(node));
    EXPECT_EQ(rig.world.Of(node).lock.holder, "");
  }
  const std::size_t after = rig.world.CallCount();
  EXPECT_THAT(rig.Run().message, HasSubstr("Nothing was done"));
  EXPECT_EQ(rig.world.CallCount(), after) << "what is finished is not started again";
}

TEST(OldData, OfAnEarlierRunGoesWithALaterOneThatIsVerified) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const std::string first = rig.target.run;
  rig.clock.Advance(std::chrono::hours(100));
  rig.Respec({{"runID", "r2"}, {"clean", {{"keepOldDataFor", "1h"}}}});
  ASSERT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept) << "the first run promised a week";
  rig.clock.Advance(std::chrono::hours(100));
  rig.Respec({{"runID", "r3"}});
  ASSERT_EQ(Said(rig.RunToEnd()), "0");
  EXPECT_FALSE(rig.world.Of("n1").runs.at(first).kept);
  EXPECT_TRUE(rig.world.Of("n1").runs.at(rig.target.run).kept);
}

TEST(OldData, StaysWhileTheNewestRunHasNotEndedWell) {
  Rig rig;
  ASSERT_EQ(Said(rig.Run()), "0");
  const std::string first = rig.target.run;
  rig.clock.Advance(std::chrono::hours(200));
  rig.world.etcd_differs["n3"] = "bit rot";
  rig.Respec({{"runID", "r2"}});
  EXPECT_EQ(ExitCode(rig.RunToEnd().ending), 4);
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept);
  rig.Respec({});
  (void)rig.Run();
  EXPECT_TRUE(rig.world.Of("n1").runs.at(first).kept) << "the first run's file asked again";
}

TEST(OldData, IsNotKeptWhenNobodyWantsIt) {
  Rig rig(Json::parse(R"({"clean": {"keepOldDataFor": "0s"}})"));
  const RunRecord record = rig.Run();
  ASSERT_EQ(Said(record), "0") << record.error.message;
  EXPECT_THAT(record.document->destroys, testing::Contains(HasSubstr("n1: old etcd data")));
  EXPECT_THAT(rig.world.Violations(), IsEmpty());
  EXPECT_FALSE(rig.world.Of("n1").runs.at(rig.target.run).kept);
  EXPECT_EQ(rig.world.Of("n1").member->run, rig.target.run);
}

TEST(Clean, RemovesEveryContainerAndKeepsVolumesOnlyWhenAsked) {
  const auto removed = [](const char* clean) {
    Rig rig(Json{{"strategy", "Rebuild"}, {"clean", Json::parse(clean)}});
    EXPECT_EQ(Said(rig.RunToEnd()), "0");
    EXPECT_THAT(rig.world.Violations(), IsEmpty());
    EXPECT_TRUE(rig.world.Of("w1").containers.contains("backup-agent"));
    std::string acts;
    for (const std::string& call : rig.world.Calls()) {
      if (call.starts_with("n1 remove")) acts += call + "\n";
    }
    return acts;
  };
  EXPECT_THAT(removed("{}"), AllOf(HasSubstr("n1 remove with volumes kubelet"),
                                   testing::Not(HasSubstr("backup-agent"))));
  EXPECT_THAT(removed(R"({"containers": "All", "volumes": "None"})"),
              AllOf(HasSubstr("n1 remove kubelet"), HasSubstr("backup-agent")));
}

TEST(RkeUp, LeavesAStateThatCannotBeReadAsItIs) {
  Rig rig(Json{{"strategy", "Rebuild"}});
  const std::string state = rig.folder + "/rke/cluster.rkestate";
  std::filesystem::create_directory(rig.folder + "/rke");
  std::filesystem::create_symlink(state, state);
  EXPECT_EQ(Said(rig.RunToEnd()), "4 FileUnreadable");
  EXPECT_TRUE(std::filesystem::is_symlink(state));
  EXPECT_EQ(rig.rke.ups, 0);
  std::filesystem::remove(state);
  EXPECT_EQ(Said(rig.RunToEnd()), "0");
}

/// What brought the etcd image to n2, which lacked it: "pull", "load", with "!" for what failed.
std::string HowTheImageCame(const char* registries, const char* login, bool others_have_it) {
  Rig rig;
  const std::string image = rig.world.Of("n2").images.at(0);
  for (const auto& registry : Json::parse(registries))
    rig.target.config.private_registries.push_back(registry);
  if (login != nullptr) rig.world.registry[image] = login;
  for (auto& [name, node] : rig.world.nodes) {
    if (name == "n2" || !others_have_it) node.images.clear();
  }
  const RunRecord record = rig.Run(Asked(RunMode::kCheck));
  std::string how;
  for (const std::string& call : rig.world.Calls()) {
    if (call.starts_with("n2 pull")) how += "pull ";
    if (call == "n2 load images") how += "load ";
  }
  return how + Said(record);
}

TEST(Images, ArePulledFromTheRegistryOfClusterYmlElseSentElseAskedOfTheirOwn) {
  const char* hub = R"([{"url": "docker.io", "user": "u", "password": "p"}])";
  const char* login = R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}})";
  EXPECT_EQ(HowTheImageCame("[]", nullptr, true), "load 0");
  EXPECT_EQ(HowTheImageCame(hub, login, true), "pull 0");
  EXPECT_EQ(HowTheImageCame(hub, nullptr, true), "pull load 0") << "the registry did not give it";
  EXPECT_EQ(HowTheImageCame(hub, login, false), "pull 0");
  EXPECT_EQ(HowTheImageCame("[]", "{}", false), "pull 0");
  EXPECT_EQ(HowTheImageCame("[]", nullptr, false), "pull 3 PreflightFailed");
  EXPECT_EQ(HowTheImageCame(R"([{"url": "other.example.com"}])", "{}", true), "load 0");
}

TEST(NetworkPods, OnesThatNoDockerShowsAreReplacedThroughTheApi) {
  Rig rig;
  rig.world.network_pods = {{"canal-a", "u1", "n1", rig.clock.Seconds() - 3600, false},
                            {"canal-w", "u2", "w1", rig.clock.Seconds() - 3600, false},
                            {"canal-d", "u3", "dead", rig.clock.Seconds() - 3600, false}};
  ASSERT_EQ(Said(rig.Run()), "0");
  EXPECT_THAT(rig.world.Calls(), testing::Contains("n1 delete_pods canal-a canal-w").Times(1));
  EXPECT_EQ(rig.world.network_pods.at(0).name, "canal-ax");
  EXPECT_EQ(rig.world.network_pods.at(2).name, "canal-d") << "its node is none of ours";
  Rig shown;
  shown.world.network_pods = {{"canal-a", "u1", "n1", shown.clock.Seconds() - 3600, false}};
  shown.world.CreateContainer(shown.world.Of("n1"), "k8s_calico-node_canal-a_kube-system_u1_0",
                              "no");
  ASSERT_EQ(Said(shown.Run()), "0");
  EXPECT_EQ(shown.world.network_pods.at(0).name, "canal-a") << "docker restarted its containers";
  EXPECT_THAT(shown.world.Calls(),
              testing::Contains(HasSubstr("n1 restart k8s_calico-node_canal-a_kube-system_u1_0")));
}

}  // namespace
}  // namespace etcdrestore
