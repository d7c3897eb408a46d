// Each goal by itself: met, unmet on the right nodes, refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
  const char* name;
  Judgement (*judge)(const RunView&);
  void (*spoil)(View&);
  const char* said;
};

void ExpectEach(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    View view;
    one.spoil(view);
    EXPECT_EQ(Said(one.judge(view())), one.said);
  }
}

TEST(Judges, OfPreflight) {
  ExpectEach({
      {"prepared", JudgePrepared, [](View&) {}, "done"},
      {"no receipt", JudgePrepared, [](View& v) { v.At("n2").receipt.reset(); }, "todo n2"},
      {"another run's receipt", JudgePrepared, [](View& v) { v.At("w1").receipt->run_key = "x"; },
       "todo w1"},
      {"another snapshot", JudgePrepared,
       [](View& v) { v.At("n1").receipt->snapshot_sha256 = "x"; }, "todo n1"},
      {"another strategy", JudgePrepared, [](View& v) { v.plan.strategy = StrategyKind::kRebuild; },
       "todo n1 n2 n3 w1"},
      {"another bump", JudgePrepared, [](View& v) { v.At("n3").receipt->bumped_by = 7; },
       "todo n3"},
      {"another spec", JudgePrepared, [](View& v) { v.At("n3").receipt->spec_digest = "x"; },
       "todo n3"},
      {"not seen", JudgePrepared, [](View& v) { v.seen.facts.erase("n1"); }, "todo n1"},
      {"staged", JudgeStaged, [](View&) {}, "done"},
      {"not staged", JudgeStaged, [](View& v) { v.At("n1").data.staged_size = 0; }, "todo n1"},
      {"cut", JudgeStaged, [](View& v) { v.At("n1").data.staged_size -= 1; }, "todo n1"},
      {"changed", JudgeStaged, [](View& v) { v.At("n2").data.staged_sha256 = "x"; }, "todo n2"},
      {"not hashed", JudgeStaged, [](View& v) { v.At("n2").data.staged_sha256 = ""; }, "todo n2"},
      {"restored beside, waiting", JudgeRestoredBeside,
       [](View& v) {
         v.At("n1").data.member_run = "";
         v.At("n1").data.restored_run = v.target.run;
       },
       "done"},
      {"not restored", JudgeRestoredBeside, [](View& v) { v.At("n1").data.member_run = ""; },
       "todo n1"},
      {"not noted", JudgeRestoredBeside,
       [](View& v) { v.At("n1").receipt->restored_db_sha256 = ""; }, "todo n1"},
      {"changed since", JudgeRestoredBeside, [](View& v) { v.At("n3").data.db_sha256 = "x"; },
       "todo n3"},
      {"equal", JudgeEqualBeside, [](View&) {}, "done"},
      {"the same bytes need no other hash", JudgeEqualBeside,
       [](View& v) { v.At("n1").receipt->restored_db_hash = ""; }, "done"},
      {"other bytes with equal contents", JudgeEqualBeside,
       [](View& v) { v.At("n2").receipt->restored_db_sha256 = "x"; }, "done"},
      {"other bytes, contents not known", JudgeEqualBeside,
       [](View& v) {
         v.At("n2").receipt->restored_db_sha256 = "x";
         v.At("n1").receipt->restored_db_hash = "";
       },
       "todo n1"},
      {"no bytes known", JudgeEqualBeside,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) {
           v.At(node).receipt->restored_db_sha256 = "";
           v.At(node).receipt->restored_db_hash = "";
         }
       },
       "todo n1 n2 n3"},
      {"other bytes, other contents", JudgeEqualBeside,
       [](View& v) {
         v.At("n2").receipt->restored_db_sha256 = "x";
         v.At("n2").receipt->restored_db_hash = "x";
       },
       "refused RestoredCopiesDiffer"},
  });
}

TEST(Judges, OfCleanedAndRestored) {
  ExpectEach({
      {"committed", JudgeCommitted, [](View&) {}, "done"},
      {"not committed", JudgeCommitted,
       [](View& v) { v.At("w1").receipt->stage = Stage::kPrepared; }, "todo w1"},
      {"policies on", JudgePoliciesOff, [](View&) {}, "todo n1 n2 n3"},
      {"etcd's alone is on", JudgePoliciesOff,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) {
           for (ContainerFacts& container : *v.At(node).containers) container.policy = "no";
         }
         v.Container("n2", "etcd").policy = "unless-stopped";
       },
       "todo n2"},
      {"docker is silent", JudgePoliciesOff, [](View& v) { v.At("w1").containers.reset(); },
       "todo n1 n2 n3 w1"},
      {"writers run", JudgeWritersStopped, [](View&) {}, "todo n1 n2 n3"},
      {"docker is silent", JudgeEtcdStopped,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.Container(node, "etcd").running = false;
         v.At("n1").containers.reset();
       },
       "todo n1"},
      {"snapshots are still taken", JudgeWritersStopped,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) {
           for (ContainerFacts& container : *v.At(node).containers) container.running = false;
         }
         v.Container("n3", "etcd-rolling-snapshots").running = true;
       },
       "todo n3"},
      {"aside", JudgeOldDataAside, [](View&) {}, "done"},
      {"old data in place", JudgeOldDataAside, [](View& v) { v.At("n1").data.member_run = ""; },
       "todo n1"},
      {"not kept", JudgeOldDataAside, [](View& v) { v.At("n2").data.kept_exists = false; },
       "todo n2"},
      {"in place", JudgeInPlace, [](View&) {}, "done"},
      {"nothing in place", JudgeInPlace, [](View& v) { v.At("n2").data.member_run = "r0"; },
       "todo n2"},
      {"recorded", JudgeRecorded, [](View&) {}, "done"},
      {"not recorded", JudgeRecorded,
       [](View& v) { v.At("w1").receipt->stage = Stage::kCommitted; }, "todo w1"},
      {"proved", JudgeProved, [](View&) {}, "done"},
      {"changed before etcd started", JudgeProved,
       [](View& v) {
         v.At("n1").receipt->stage = Stage::kCommitted;
         v.At("n1").data.db_sha256 = "x";
       },
       "refused RestoredDataChanged"},
      {"changed after etcd started", JudgeProved, [](View& v) { v.At("n1").data.db_sha256 = "x"; },
       "done"},
      {"members unequal", JudgeProved,
       [](View& v) {
         v.At("n3").receipt->restored_db_sha256 = "x";
         v.At("n3").receipt->restored_db_hash = "x";
       },
       "refused RestoredCopiesDiffer"},
  });
}

TEST(Judges, OfRebuildsCleaning) {
  View view(R"({"strategy": "Rebuild"})");
  EXPECT_EQ(Said(JudgeContainersRemoved(view())), "todo n1 n2 n3");
  for (const char* node : {"n1", "n2", "n3"}) view.At(node).containers->clear();
  view.Container("n1", "backup-agent").running = true;
  EXPECT_EQ(Said(JudgeContainersRemoved(view())), "done");
  view.Container("n2", "k8s_POD_x").running = false;
  EXPECT_EQ(Said(JudgeContainersRemoved(view())), "todo n2");
  EXPECT_EQ(Said(JudgePathsCleaned(view())), "done");
  view.At("n3").left_paths = {"/etc/cni"};
  view.At("w1").left_paths = {"/etc/cni"};
  EXPECT_EQ(Said(JudgePathsCleaned(view())), "todo n3");
  View all(R"({"strategy": "Rebuild", "clean": {"containers": "All"}})");
  for (const char* node : {"n1", "n2", "n3"}) all.At(node).containers->clear();
  EXPECT_EQ(Said(JudgeContainersRemoved(all())), "done");
  all.Container("n1", "backup-agent").running = true;
  EXPECT_EQ(Said(JudgeContainersRemoved(all())), "todo n1");
  View workers(R"({"strategy": "Rebuild", "clean": {"workers": true}})");
  EXPECT_EQ(Said(JudgeContainersRemoved(workers())), "todo n1 n2 n3 w1");
}

TEST(Judges, AskAReplacedNodeBeforeItsEtcdIsReplaced) {
  View view(R"({"replaceNodes": [{"address": "10.0.0.3", "with": {"address": "10.0.0.4"}}]})");
  EXPECT_EQ(Said(JudgeReplacedFenced(view())), "done");
  view.fenced = false;
  EXPECT_EQ(Said(JudgeReplacedFenced(view())), "todo");
  View nobody;
  nobody.fenced = false;
  EXPECT_EQ(Said(JudgeReplacedFenced(nobody())), "done");
}

TEST(Judges, RemoveTheKubeletFirstAndLeaveForeignContainersAlone) {
  NodeFacts facts;
  facts.containers.emplace();
  for (const char* name : {"etcd", "backup-agent", "k8s_pod", "kube-cleaner", "kubelet"}) {
    ContainerFacts container;
    container.name = name;
    facts.containers->push_back(container);
  }
  ContainerFacts labelled;
  labelled.name = "rke-something";
  labelled.rke = true;
  facts.containers->push_back(labelled);
  View rke;
  View all(R"({"clean": {"containers": "All"}})");
  EXPECT_THAT(ContainersToRemove(rke.target, facts),
              ElementsAre("kubelet", "etcd", "k8s_pod", "kube-cleaner", "rke-something"));
  EXPECT_THAT(ForeignContainers(facts), ElementsAre("backup-agent"));
  EXPECT_THAT(
      ContainersToRemove(all.target, facts),
      ElementsAre("kubelet", "etcd", "backup-agent", "k8s_pod", "kube-cleaner", "rke-something"));
  EXPECT_THAT(OneShotLeftovers(facts), ElementsAre("kube-cleaner"));
  facts.containers.reset();
  EXPECT_THAT(ContainersToRemove(all.target, facts), IsEmpty());
}

TEST(Judges, OfUp) {
  ExpectEach({
      {"started", JudgeEtcdStarted, [](View&) {}, "done"},
      {"one is down", JudgeEtcdStarted, [](View& v) { v.Container("n2", "etcd").running = false; },
       "todo n2"},
      {"one is gone", JudgeEtcdStarted, [](View& v) { v.Remove("n2", "etcd"); }, "todo n2"},
      {"verified", JudgeEtcdVerified, [](View&) {}, "done"},
      {"silent", JudgeEtcdVerified, [](View& v) { v.At("n3").etcd.reset(); }, "todo n3"},
      {"no leader", JudgeEtcdVerified, [](View& v) { v.At("n3").etcd->leader = 0; }, "todo n3"},
      {"old cluster", JudgeEtcdVerified, [](View& v) { v.At("n1").etcd->cluster_id = 1; },
       "refused ForeignMember"},
      {"alarm", JudgeEtcdVerified, [](View& v) { v.At("n1").etcd->alarms = {"NOSPACE"}; },
       "refused EtcdAlarm"},
      {"a member too few", JudgeEtcdVerified, [](View& v) { v.At("n1").etcd->members.pop_back(); },
       "refused WrongMembers"},
      {"behind", JudgeEtcdVerified, [](View& v) { --v.At("n1").etcd->revision; },
       "refused WrongRevision"},
      {"written to by an API server", JudgeEtcdVerified,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.At(node).etcd->revision += 5;
       },
       "done"},
      {"written to by nobody we know", JudgeEtcdVerified,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) {
           v.Container(node, "kube-apiserver").running = false;
           v.At(node).etcd->revision += 5;
         }
       },
       "refused WrongRevision"},
      {"other content", JudgeEtcdVerified, [](View& v) { v.At("n2").etcd->hash = 43; },
       "refused MembersDiffer"},
      {"leases ended, as when the operator died between start and look", JudgeEtcdVerified,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) {
           v.Container(node, "kube-apiserver").running = false;
           v.At(node).etcd->revision += 3;
           v.At(node).etcd->keys -= 3;
         }
       },
       "done"},
      {"leases end while members are looked at", JudgeEtcdVerified,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"})
           v.Container(node, "kube-apiserver").running = false;
         v.At("n2").etcd->hash_revision += 3;
         v.At("n2").etcd->keys -= 3;
       },
       "todo n2"},
      {"keys counted after the hash", JudgeEtcdVerified, [](View& v) { --v.At("n2").etcd->keys; },
       "done"},
      {"not comparable yet", JudgeEtcdVerified,
       [](View& v) { v.At("n2").etcd->compact_revision = 5; }, "todo n2"},
      {"api started", JudgeApiStarted, [](View&) {}, "done"},
      {"api from before", JudgeApiStarted,
       [](View& v) { v.Container("n1", "kube-apiserver").started_at = 1000; }, "todo n1"},
      {"ready", JudgeApiReady, [](View&) {}, "done"},
      {"not ready", JudgeApiReady, [](View& v) { v.At("n1").api.ready = false; }, "todo n1"},
      {"secrets not asked", JudgeApiReady, [](View& v) { v.At("n1").api.secrets_listed.reset(); },
       "todo n1"},
      {"secrets unreadable", JudgeApiReady, [](View& v) { v.At("n1").api.secrets_listed = false; },
       "todo n1"},
      {"rke up done", JudgeRkeUp, [](View&) {}, "done"},
      {"rke up not run", JudgeRkeUp, [](View& v) { v.rke_up = false; }, "todo"},
      {"rke left one out", JudgeRkeUp, [](View& v) { v.Remove("n1", "kube-proxy"); }, "todo n1"},
  });
}

TEST(Judges, RefuseANewCa) {
  View view;
  view.At("n2").ca_pem = kOtherCa;
  EXPECT_EQ(Said(JudgeApiReady(view())), "refused CaChanged");
}

TEST(Judges, OfRestarted) {
  ExpectEach({
      {"controllers", JudgeControllersStarted, [](View&) {}, "done"},
      {"scheduler down", JudgeControllersStarted,
       [](View& v) { v.Container("n2", "kube-scheduler").running = false; }, "todo n2"},
      {"kubelets", JudgeKubeletsRestarted, [](View&) {}, "done"},
      {"a worker's from before", JudgeKubeletsRestarted,
       [](View& v) { v.Container("w1", "kubelet").started_at = 999; }, "todo w1"},
      {"network", JudgeNetworkRestarted,
       [](View& v) { v.Container("w1", "k8s_coredns_x").running = true; }, "done"},
      {"flannel from before", JudgeNetworkRestarted,
       [](View& v) { v.Container("w1", "k8s_kube-flannel_x").running = true; }, "todo w1"},
      {"flannel that is down", JudgeNetworkRestarted,
       [](View& v) { v.Container("w1", "k8s_kube-flannel_x"); }, "done"},
      {"policies back", JudgePoliciesBack, [](View&) {}, "done"},
      {"still off", JudgePoliciesBack, [](View& v) { v.Container("n1", "etcd").policy = "no"; },
       "todo n1"},
      {"did not come up", JudgePoliciesBack,
       [](View& v) { v.Container("n1", "etcd").running = false; }, "todo n1"},
      {"docker is silent", JudgePoliciesBack, [](View& v) { v.At("n2").containers.reset(); },
       "todo n2"},
      {"stale gone", JudgeStaleNodesGone, [](View&) {}, "done"},
      {"stale there", JudgeStaleNodesGone, [](View& v) { v.target.replaced_hostnames = {"n2"}; },
       "todo n1"},
      {"nobody told", JudgeStaleNodesGone,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.At(node).api.nodes.reset();
       },
       "todo"},
      {"settled", JudgeSettled, [](View&) {}, "done"},
      {"seen once", JudgeSettled, [](View& v) { v.previous.facts.clear(); }, "todo n1 n2 n3 w1"},
      {"restarting", JudgeSettled, [](View& v) { v.Container("n1", "kubelet").restarts = 3; },
       "todo n1"},
      {"unhealthy", JudgeSettled, [](View& v) { v.At("w1").health["kubelet"] = "000"; }, "todo w1"},
      {"health of what its roles do not call for", JudgeSettled,
       [](View& v) { v.At("w1").health["kube-scheduler"] = "000"; }, "done"},
      {"not Ready", JudgeSettled,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.At(node).api.nodes->at(3).ready = false;
       },
       "todo w1"},
      {"a stale Lease", JudgeSettled,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"})
           v.At(node).api.nodes->at(3).lease_renewed = 1200;
       },
       "todo w1"},
      {"no Node", JudgeSettled,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.At(node).api.nodes->pop_back();
       },
       "todo w1"},
      {"no network pods", JudgeNetworkPodsRestarted, [](View&) {}, "done"},
      {"a new network pod", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 1001, false});
       },
       "done"},
      {"a network pod from before", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 1000, false});
       },
       "todo n1"},
      {"one whose containers docker shows", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 999, false});
         v.Container("w1", "k8s_calico-node_canal-a_kube-system_u1_0").started_at = 1500;
       },
       "done"},
      {"one that docker shows on another node", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 999, false});
         v.Container("n1", "k8s_calico-node_canal-a_kube-system_u1_0").started_at = 1500;
       },
       "todo n1"},
      {"one that no kubelet has taken", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 0, false});
       },
       "done"},
      {"one on a node that is gone", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "dead", 999, false});
       },
       "done"},
      {"one that is going", JudgeNetworkPodsRestarted,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 999, true});
       },
       "done"},
      {"settled but for one that is going", JudgeSettled,
       [](View& v) {
         v.NetworkPod({"canal-a", "u1", "w1", 999, true});
       },
       "todo n1 n2 n3 w1"},
      {"network pods were not told", JudgeSettled,
       [](View& v) {
         for (const char* node : {"n1", "n2", "n3"}) v.At(node).api.network_pods.reset();
       },
       "todo n1 n2 n3 w1"},
      {"finished", JudgeFinished, [](View&) {}, "done"},
      {"half finished", JudgeFinished,
       [](View& v) { v.At("n2").receipt->stage = Stage::kRestored; }, "todo n2"},
  });
}

}  // namespace
}  // namespace etcdrestore
