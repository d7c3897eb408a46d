// What blocks a run before anything is changed, which strategy the facts allow, what is approved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::Not;

/// "node/subject" of every check that is not as it should be, with its verdict.
std::string Faults(View& view, StrategyKind strategy = StrategyKind::kInPlace) {
  PreflightInput input{
      view.target, view.seen, &view.plan.snapshot, "img/etcd:1", std::string("v1.8.0"),
      "",          strategy};
  std::string text;
  auto checks = CheckSpec(input);
  for (const auto& more : {CheckNodes(input), CheckIdentity(input)})
    checks.insert(checks.end(), more.begin(), more.end());
  for (const Check& check : checks) {
    if (check.verdict == Verdict::kOk) continue;
    const char* verdict = check.verdict == Verdict::kNote     ? "note"
                          : check.verdict == Verdict::kFailed ? "failed"
                                                              : "unknown";
    text += (text.empty() ? "" : " ") + check.node + "/" + check.subject + ":" + verdict;
    EXPECT_NE(check.advice, "");
  }
  return text;
}

struct Case {
  const char* name;
  void (*spoil)(View&);
  const char* faults;
};

TEST(Preflight, ChecksEveryNode) {
  const std::vector<Case> cases = {
      {"all is well", [](View&) {}, ""},
      {"not reached",
       [](View& v) {
         v.seen.facts.erase("n2");
         v.seen.errors.emplace("n2", Transient("Unreachable", "no route"));
       },
       "n2/look:unknown"},
      {"docker is down",
       [](View& v) {
         v.At("w1").docker_version = "";
         v.At("w1").containers.reset();
       },
       "w1/docker:failed"},
      {"docker hides its containers", [](View& v) { v.At("n1").containers.reset(); },
       "n1/docker:failed"},
      {"clock a little off", [](View& v) { v.At("n1").skew = -3; }, "n1/clock:note"},
      {"clock far off", [](View& v) { v.At("n1").skew = -31; }, "n1/clock:failed"},
      {"an unreadable record", [](View& v) { v.At("n3").receipt_error = "cut"; },
       "n3/record:unknown"},
      {"a run that was given up",
       [](View& v) {
         v.At("n3").receipt->run_key = "other";
         v.At("n3").receipt->stage = Stage::kCommitted;
       },
       "n3/record:note"},
      {"a run that finished", [](View& v) { v.At("n3").receipt->run_key = "other"; }, ""},
      {"data disk full", [](View& v) { v.At("n1").data.data_available = 64U << 20U; },
       "n1/disk:failed"},
      {"room for one piece of the log, not for two",
       [](View& v) { v.At("n1").data.data_available = 100U << 20U; }, "n1/disk:failed"},
      {"stage disk full", [](View& v) { v.At("n1").data.stage_available = 1U << 20U; },
       "n1/disk:failed"},
      {"disk of a worker", [](View& v) { v.At("w1").data.stage_available = 0; }, ""},
      {"no image", [](View& v) { v.At("n2").images.clear(); }, "n2/etcd image:failed"},
      {"no tool in it", [](View& v) { v.At("n2").etcdutl = "missing"; }, "n2/etcd image:failed"},
      {"a tool that could not be tried", [](View& v) { v.At("n2").etcdutl = "unknown: killed"; },
       "n2/etcd image:unknown"},
      {"another CA", [](View& v) { v.At("n2").ca_pem = kOtherCa; }, "n2/kube-ca:failed"},
      {"no CA", [](View& v) { v.At("n2").ca_pem = ""; }, "n2/kube-ca:failed"},
      {"no kube-system", [](View& v) { v.plan.snapshot.facts.has_kube_system = false; },
       "/snapshot:note"},
      {"a bundle that nobody reads",
       [](View& v) { v.target.object.spec.snapshot.pki_bundle = "pki.bundle.tar.gz"; },
       "/pki bundle:failed"},
      {"all containers, in place",
       [](View& v) { v.target.object.spec.clean.all_containers = true; }, "/clean:note"},
      {"volumes stay, in place",
       [](View& v) { v.target.object.spec.clean.anonymous_volumes = false; }, "/clean:note"},
      {"workers too, in place", [](View& v) { v.target.object.spec.clean.workers = true; },
       "/clean:note"},
      {"an rke that is not run", [](View& v) { v.target.object.spec.rke_version = "v1.4.0"; }, ""},
      {"no CA in the snapshot", [](View& v) { v.plan.snapshot.facts.kube_root_ca = ""; },
       "/kube-ca:note"},
      {"a key that the API server lost",
       [](View& v) { v.At("n2").encryption_keys = {"aescbc:key2"}; }, "n2/encryption:failed"},
      {"an API server without encryption", [](View& v) { v.At("n2").encryption_keys.emplace(); },
       "n2/encryption:failed"},
      {"encryption that was not seen", [](View& v) { v.At("n2").encryption_keys.reset(); },
       "n2/encryption:unknown"},
      {"nothing encrypted",
       [](View& v) {
         v.plan.snapshot.facts.encryption_keys.clear();
         v.At("n2").encryption_keys.reset();
       },
       ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    View view;
    one.spoil(view);
    EXPECT_EQ(Faults(view), one.faults);
  }
}

TEST(Preflight, ChecksWhatRebuildNeeds) {
  const std::vector<Case> cases = {
      {"all is well", [](View&) {}, ""},
      {"no state", [](View& v) { v.target.state.reset(); }, "/rkestate:failed"},
      {"another cluster's state", [](View& v) { v.target.state->kube_ca_fingerprint = "x"; },
       "/kube-ca:failed"},
      {"an upgrade", [](View& v) { v.target.config.kubernetes_version = "v1.33.0"; },
       "/version:failed"},
      {"another etcd",
       [](View& v) {
         v.target.config.etcd_image = "img/etcd:2";
         v.target.state->etcd_image = "img/etcd:1";
       },
       "/etcd image:failed"},
      {"the state's etcd",
       [](View& v) { v.target.config.etcd_image = v.target.state->etcd_image = "img/etcd:1"; }, ""},
      {"no version at all", [](View& v) { v.target.config.kubernetes_version = ""; },
       "/version:failed"},
      {"a key that is lost", [](View& v) { v.target.state->encryption_keys = {"aescbc:key2"}; },
       "/encryption:failed"},
      {"the rke that is asked for", [](View& v) { v.target.object.spec.rke_version = "v1.8.0"; },
       ""},
      {"another rke", [](View& v) { v.target.object.spec.rke_version = "v1.4.0"; }, "/rke:failed"},
      {"a bundle that nobody reads",
       [](View& v) { v.target.object.spec.snapshot.pki_bundle = "pki.bundle.tar.gz"; },
       "/pki bundle:failed"},
      {"all containers", [](View& v) { v.target.object.spec.clean.all_containers = true; }, ""},
      {"certificates are gone", [](View& v) { v.At("n2").ca_pem = ""; }, ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    View view(R"({"strategy": "Rebuild"})");
    one.spoil(view);
    EXPECT_EQ(Faults(view, StrategyKind::kRebuild), one.faults);
  }
}

TEST(Preflight, RefusesAStateWithOtherKeysThanTheOneInTheSnapshotsZip) {
  View view(R"({"strategy": "Rebuild"})");
  PreflightInput input{view.target,           view.seen, &view.plan.snapshot,   "img/etcd:1",
                       std::string("v1.8.0"), "",        StrategyKind::kRebuild};
  ClusterState in_zip = *view.target.state;
  input.zip_state = &in_zip;
  EXPECT_TRUE(AllPassed(CheckIdentity(input)));
  in_zip.service_account_key_digest = "5a11";
  const Error error = FailureOf(CheckIdentity(input));
  EXPECT_THAT(error.message, HasSubstr("service account key is absent, that of the state in the "
                                       "snapshot's zip 5a11"));
  in_zip = *view.target.state;
  in_zip.encryption_keys = {"aescbc:key1", "aescbc:key2"};
  EXPECT_THAT(FailureOf(CheckIdentity(input)).message,
              HasSubstr("list of encryption keys is aescbc:key1, that of the state in the "
                        "snapshot's zip aescbc:key1, aescbc:key2"));
  in_zip = *view.target.state;
  in_zip.kube_ca_fingerprint = "SHA256:other";
  EXPECT_THAT(FailureOf(CheckIdentity(input)).message, HasSubstr("SHA256:other"));
}

TEST(Preflight, UnknownBlocksLikeFailedAndEveryFaultIsNamed) {
  std::vector<Check> checks = {{"n1", "docker", Verdict::kOk, "27", ""},
                               {"n2", "clock", Verdict::kNote, "off", "mend"}};
  EXPECT_TRUE(AllPassed(checks));
  checks.push_back({"n3", "look", Verdict::kUnknown, "no route", "mend the connection"});
  EXPECT_FALSE(AllPassed(checks));
  checks.push_back({"", "snapshot", Verdict::kFailed, "damaged", "choose another"});
  const Error error = FailureOf(checks);
  EXPECT_EQ(error.reason, "PreflightFailed");
  for (const char* part :
       {"node n3, look: no route", "mend the connection", "Also not passed: snapshot"})
    EXPECT_THAT(error.message, HasSubstr(part));
  EXPECT_THAT(error.message, Not(HasSubstr("clock")));
}

TEST(Preflight, ItsFailureMayPassOnlyWhenAllOfItMay) {
  const Check silent{"n3", "look", Verdict::kUnknown, "no route", "", true};
  const Check broken{"n1", "docker", Verdict::kFailed, "no answer", ""};
  EXPECT_EQ(FailureOf({silent, silent}).kind, ErrorKind::kTransient);
  EXPECT_EQ(FailureOf({silent, broken}).kind, ErrorKind::kTerminal);
  EXPECT_EQ(FailureOf({broken}).kind, ErrorKind::kTerminal);
}

struct Choice {
  const char* name;
  const char* patch;
  void (*spoil)(View&);
  const char* chosen;
};

TEST(Strategy, AutoLeavesInPlaceOnlyForTheClosedListOfFacts) {
  const std::vector<Choice> cases = {
      {"all there", "{}", [](View&) {}, "InPlace"},
      {"stopped containers", "{}", [](View& v) { v.Container("n1", "etcd").running = false; },
       "InPlace"},
      {"a worker without containers", "{}", [](View& v) { v.At("w1").containers->clear(); },
       "InPlace"},
      {"a node that was not seen", "{}", [](View& v) { v.seen.facts.erase("n2"); }, "InPlace"},
      {"docker that does not answer", "{}", [](View& v) { v.At("n2").containers.reset(); },
       "InPlace"},
      {"no API server", "{}", [](View& v) { v.Remove("n2", "kube-apiserver"); },
       "Rebuild escalated"},
      {"no etcd", "{}", [](View& v) { v.Remove("n2", "etcd"); }, "Rebuild escalated"},
      {"another name", "{}",
       [](View& v) { v.Container("n2", "etcd").command[1] = "--name=etcd-x"; },
       "Rebuild escalated"},
      {"another peer address", "{}",
       [](View& v) {
         v.Container("n2", "etcd").command[2] =
             "--initial-advertise-peer-urls=https://9.9.9.9:2380";
       },
       "Rebuild escalated"},
      {"a wal of its own", "{}",
       [](View& v) { v.Container("n2", "etcd").command.emplace_back("--wal-dir=/wal"); },
       "Rebuild escalated"},
      {"data elsewhere", "{}", [](View& v) { v.Container("n2", "etcd").mounts[0].source = "/mnt"; },
       "Rebuild escalated"},
      {"two authorities", "{}", [](View& v) { v.At("n2").ca_pem = kOtherCa; }, "Rebuild escalated"},
      {"a replaced node",
       R"({"replaceNodes": [{"address": "10.0.0.3", "with": {"address": "10.0.0.4"}}]})",
       [](View&) {}, "Rebuild"},
      {"InPlace is asked for and cannot be", R"({"strategy": "InPlace"})",
       [](View& v) { v.Remove("n2", "etcd"); }, "refused InPlaceImpossible"},
      {"Rebuild is asked for", R"({"strategy": "Rebuild"})", [](View&) {}, "Rebuild"},
      {"Runbook is asked for", R"({"strategy": "Runbook"})", [](View&) {},
       "refused StrategyNotAvailable"},
  };
  for (const Choice& one : cases) {
    SCOPED_TRACE(one.name);
    View view(one.patch);
    one.spoil(view);
    const StrategyChoice choice = ChooseStrategy(view.target, view.seen);
    std::string said =
        choice.refused ? "refused " + choice.refused->reason : StrategyName(choice.strategy);
    if (choice.escalated) said += " escalated";
    EXPECT_EQ(said, one.chosen);
    EXPECT_EQ(choice.reason.empty(), one.chosen == std::string("refused StrategyNotAvailable"));
  }
}

TEST(Strategy, FindsTheImageThatHasTheTool) {
  View view;
  EXPECT_EQ(ChooseEtcdImage(view.target, view.seen), "img/etcd:1");
  for (const char* node : {"n1", "n2", "n3"}) {
    view.Remove(node, "etcd");
    view.At(node).images = {"a/mirrored-coreos-etcd:v3.5.1", "x:1",
                            "a/mirrored-coreos-etcd:v3.5.9"};
  }
  EXPECT_EQ(ChooseEtcdImage(view.target, view.seen), "a/mirrored-coreos-etcd:v3.5.9");
  view.target.state->etcd_image = "state:1";
  EXPECT_EQ(ChooseEtcdImage(view.target, view.seen), "state:1");
  view.target.config.etcd_image = "config:1";
  EXPECT_EQ(ChooseEtcdImage(view.target, view.seen), "config:1");
  EXPECT_EQ(ChooseEtcdImage(fakes::ATarget(), {}), "");
}

TEST(Strategy, PrefersTheToolImageOfMostEtcdNodesThenTheNewest) {
  const std::string at = "a/mirrored-coreos-etcd:";
  const auto chosen = [&](const std::map<std::string, std::vector<std::string>>& tags) {
    View view;
    for (const char* node : {"n1", "n2", "n3"}) view.Remove(node, "etcd");
    for (const auto& [node, has] : tags) {
      view.At(node).images.clear();
      for (const std::string& tag : has) view.At(node).images.push_back(at + tag);
    }
    const std::string image = ChooseEtcdImage(view.target, view.seen);
    return image.empty() ? image : image.substr(at.size());
  };
  const std::vector<std::string> both = {"v3.5.9", "v3.5.12"};
  EXPECT_EQ(chosen({{"n1", both}, {"n2", both}, {"n3", both}}), "v3.5.12");
  EXPECT_EQ(chosen({{"n1", {"v3.5.9", "v3.5.9-rancher2"}},
                    {"n2", {"v3.5.9", "v3.5.9-rancher2"}},
                    {"n3", {"v3.5.9", "v3.5.9-rancher2"}}}),
            "v3.5.9-rancher2");
  EXPECT_EQ(chosen({{"n1", both}, {"n2", both}, {"n3", {"v3.5.9"}}, {"w1", both}}), "v3.5.9");
  EXPECT_EQ(chosen({{"n1", {"v3.5.9"}}, {"n2", {"v3.5.9"}}, {"n3", {"v3.5.12"}}}), "v3.5.9")
      << "one node is sent it";
  EXPECT_EQ(chosen({{"n1", {"v3.5.9"}}, {"n2", {"v3.5.12"}}, {"n3", {}}}), "v3.5.12");
  EXPECT_EQ(chosen({{"w1", {"v3.5.9"}}}), "v3.5.9") << "a worker can send it";
  EXPECT_EQ(chosen({}), "");
}

TEST(Strategy, ReadsFlagsInBothForms) {
  const std::vector<std::string> command = {"etcd", "--name=a", "--data-dir", "/d", "--wal-dir"};
  EXPECT_EQ(FlagOf(command, "--name"), "a");
  EXPECT_EQ(FlagOf(command, "--data-dir"), "/d");
  EXPECT_EQ(FlagOf(command, "--wal-dir"), std::nullopt);
  EXPECT_EQ(FlagOf(command, "--nam"), std::nullopt);
}

TEST(Liveness, IsAReadyApiServerAndTheHighestRevision) {
  View view;
  EXPECT_TRUE(LivenessOf(view.target, view.seen).alive);
  for (const char* node : {"n1", "n2", "n3"}) view.At(node).api.ready = false;
  view.At("n2").etcd->revision = 77'000'000'000;
  view.At("n1").etcd.reset();
  const Liveness dead = LivenessOf(view.target, view.seen);
  EXPECT_FALSE(dead.alive);
  EXPECT_EQ(dead.revision, 77'000'000'000);
  view.At("n3").api.ready = true;
  EXPECT_TRUE(LivenessOf(view.target, view.seen).alive);
  EXPECT_FALSE(LivenessOf(view.target, {}).alive);
}

TEST(Preflight, ARebuildRefusesArgumentsThatWouldStartAnotherEtcd) {
  const auto faults = [](const char* name, StrategyKind strategy) {
    View view;
    view.target.config.etcd_extra_args = {{name, "x"}, {"quota-backend-bytes", "1"}};
    return Faults(view, strategy);
  };
  for (const char* name : {"data-dir", "wal-dir", "name", "initial-cluster-token",
                           "initial-cluster", "force-new-cluster"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(faults(name, StrategyKind::kRebuild), "/etcd arguments:failed");
    EXPECT_EQ(faults(name, StrategyKind::kInPlace), "");
  }
  EXPECT_EQ(faults("election-timeout", StrategyKind::kRebuild), "");
}

}  // namespace
}  // namespace etcdrestore
