// What is read from disk and wire: receipts, looks, etcd's ids, the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconcilers/restore/facts.h"
#include "reconcilers/restore/identity.h"
#include "tests/fakes/rig.h"

namespace etcdrestore {
namespace {

using fakes::ATarget;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

Receipt AReceipt() {
  Receipt receipt;
  receipt.cluster = "prod";
  receipt.run_key = "prod/recovery/a/r1";
  receipt.run = "r1-0000abcd";
  receipt.spec_digest = "d";
  receipt.token = "etcdrestore-r1-0000abcd";
  receipt.strategy = "InPlace";
  receipt.stage = Stage::kCommitted;
  receipt.snapshot_sha256 = "s";
  receipt.restored_db_sha256 = "r";
  receipt.restored_db_hash = "737820766";
  receipt.bumped_by = 1'000'000'000;
  receipt.old_data_path = "/var/lib/etcd-before-r1";
  receipt.restored_at = 1795320000.25;
  receipt.keep_for = 90.5;
  receipt.before = {{"etcd", {"always", true}}, {"kube-apiserver", {"unless-stopped", false}}};
  return receipt;
}

TEST(Receipt, ComesBackAsItWasWritten) {
  for (const Stage stage :
       {Stage::kPrepared, Stage::kCommitted, Stage::kRestored, Stage::kFinished}) {
    SCOPED_TRACE(StageName(stage));
    Receipt receipt = AReceipt();
    receipt.stage = stage;
    const auto read = ParseReceipt(ToJson(receipt).dump());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, receipt);
  }
}

TEST(Receipt, IsUnreadableWhateverIsWrongWithIt) {
  std::vector<std::string> broken = {"", " ", "{", "[]", "null", "{}", "\x01\xff"};
  const std::string whole = ToJson(AReceipt()).dump();
  for (std::size_t length = 0; length < whole.size(); length += 7)
    broken.push_back(whole.substr(0, length));
  const auto original = ToJson(AReceipt());
  for (const auto& [key, value] : original.items()) {
    auto without = original;
    without.erase(key);
    if (key != "keepFor") broken.push_back(without.dump());
    auto wrong = original;
    wrong[key] = nlohmann::json::array();
    broken.push_back(wrong.dump());
  }
  auto stage = original;
  stage["stage"] = "finishing";
  broken.push_back(stage.dump());
  auto version = original;
  version["version"] = 2;
  broken.push_back(version.dump());
  for (const std::string& text : broken) {
    SCOPED_TRACE(text);
    const auto read = ParseReceipt(text);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason, "ReceiptUnreadable");
    EXPECT_EQ(read.error().kind, ErrorKind::kTerminal);
  }
}

TEST(Receipt, WithoutAWishKeepsOldDataForAWeek) {
  auto json = ToJson(AReceipt());
  json.erase("keepFor");
  EXPECT_EQ(ParseReceipt(json.dump())->keep_for, 7 * 24 * 3600);
}

TEST(Receipt, StagesOnlyGrow) {
  EXPECT_LT(Stage::kPrepared, Stage::kCommitted);
  EXPECT_LT(Stage::kCommitted, Stage::kRestored);
  EXPECT_LT(Stage::kRestored, Stage::kFinished);
}

/// As the look script of a node printed it.
constexpr const char* kLook =
    "now\t1795320001.5\n"
    "docker\t27.5.1\n"
    "containers\tbegin\n"
    R"(container	{"name":"/etcd","image":"rancher/etcd:1","running":true,"policy":"always","startedAt":"2026-11-22T03:00:00.5Z","restarts":2,"labels":{"io.rancher.rke.container.name":"etcd"},"path":"/usr/local/bin/etcd","args":["--name=etcd-n1","--data-dir","/x"],"mounts":[{"Source":"/var/lib/etcd","Destination":"/var/lib/rancher/etcd"}],"user":"1000:1000"})"
    "\n"
    R"(container	{"name":"/odd one","image":"x","running":false,"policy":"","startedAt":"0001-01-01T00:00:00Z","restarts":0,"labels":null})"
    "\n"
    R"(container	{"name":"/own","image":"x","running":true,"policy":"no","startedAt":"2026-11-22T03:00:00Z","restarts":0,"labels":{"etcdrestore.io/root":""}})"
    "\n"
    "lock\tme|prod|1795320000.1\n"
    "member\tr1\nkept\t1\nrestored\t\nstaged_size\t4096\nstaged_sha256\tabc\n"
    "older_kept\t200 /var/lib/etcd-before-b\nolder_kept\t100 /var/lib/etcd-before a\n"
    "left\t/etc/cni\ndata_available\t1000\nstage_available\t2000\n"
    "ca\t-----BEGIN|x|\ncurl\t1\netcd_asked\t1\n"
    R"(etcd_status	[{"Endpoint":"https://127.0.0.1:2379","Status":{"header":{"cluster_id":9394952498923043160,"member_id":10283024206236624018,"revision":203,"raft_term":2},"version":"3.5.16","dbSize":4096,"leader":10283024206236624018}}])"
    "\n"
    R"(etcd_hash	[{"Endpoint":"x","HashKV":{"header":{"revision":203},"hash":4242,"compact_revision":-1}}])"
    "\n"
    R"(etcd_members	{"members":[{"ID":10283024206236624018,"name":"etcd-n1","peerURLs":["https://10.0.0.1:2380"]}]})"
    "\n"
    "etcd_alarms\t{\"header\":{}}\netcd_count\t182\n"
    "api_asked\t1\napi_ready\t1\napi_secrets\t200\n"
    R"(api_nodes	{"items":[{"metadata":{"name":"n1"},"status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}},{"metadata":{"name":"n2"},"status":{}}]})"
    "\n"
    R"(api_leases	{"items":[{"metadata":{"name":"n1"},"spec":{"renewTime":"2026-11-22T03:00:01.000000Z"}}]})"
    "\n"
    R"(api_pods	[{"items":[{"metadata":{"name":"canal-a","uid":"u1"},"spec":{"nodeName":"n1"},"status":{"phase":"Running","startTime":"2026-11-22T03:00:02Z"}},{"metadata":{"name":"canal-b","uid":"u2","deletionTimestamp":"2026-11-22T03:00:02Z"},"spec":{},"status":{}}]},{"items":[{"metadata":{"name":"weave-c","uid":"u3"},"spec":{},"status":{"phase":"Failed"}}]}])"
    "\n"
    "health_kubelet\tok\nhealth_kube-proxy\t000\n"
    "@@ok\n";

TEST(Look, ReadsEveryFact) {
  const auto read = ParseLook(kLook);
  ASSERT_TRUE(read) << read.error().message;
  const NodeFacts& facts = *read;
  EXPECT_DOUBLE_EQ(facts.now, 1795320001.5);
  EXPECT_EQ(facts.docker_version, "27.5.1");
  const ContainerFacts* etcd = facts.Container("etcd");
  ASSERT_NE(etcd, nullptr);
  EXPECT_TRUE(facts.Running("etcd"));
  EXPECT_EQ(etcd->policy, "always");
  EXPECT_TRUE(etcd->rke);
  EXPECT_EQ(etcd->restarts, 2);
  EXPECT_THAT(etcd->command,
              ElementsAre("/usr/local/bin/etcd", "--name=etcd-n1", "--data-dir", "/x"));
  EXPECT_EQ(etcd->mounts.at(0).source, "/var/lib/etcd");
  EXPECT_EQ(etcd->user, "1000:1000");
  const ContainerFacts* odd = facts.Container("odd one");
  ASSERT_NE(odd, nullptr);
  EXPECT_EQ(odd->policy, "no");
  EXPECT_EQ(odd->started_at, 0) << "it was never started";
  EXPECT_FALSE(odd->rke);
  EXPECT_EQ(facts.Container("own"), nullptr) << "the look's own way to root";
  EXPECT_EQ(facts.lock.holder, "me");
  EXPECT_EQ(facts.lock.cluster, "prod");
  EXPECT_TRUE(facts.data.member_exists);
  EXPECT_EQ(facts.data.member_run, "r1");
  EXPECT_TRUE(facts.data.kept_exists);
  EXPECT_TRUE(facts.data.restored_exists);
  EXPECT_EQ(facts.data.restored_run, "");
  EXPECT_EQ(facts.data.staged_size, 4096U);
  EXPECT_THAT(facts.data.older_kept,
              ElementsAre("/var/lib/etcd-before a", "/var/lib/etcd-before-b"));
  EXPECT_EQ(facts.ca_pem, "-----BEGIN\nx\n");
  EXPECT_TRUE(facts.has_curl);
  EXPECT_FALSE(facts.has_wget);
  ASSERT_TRUE(facts.etcd) << facts.etcd_error;
  EXPECT_EQ(facts.etcd->cluster_id, 9394952498923043160U);
  EXPECT_EQ(facts.etcd->revision, 203);
  EXPECT_EQ(facts.etcd->hash_revision, 203);
  EXPECT_EQ(facts.etcd->hash, 4242U);
  EXPECT_EQ(facts.etcd->keys, 182U);
  EXPECT_THAT(facts.etcd->alarms, IsEmpty());
  EXPECT_TRUE(facts.api.ready);
  EXPECT_EQ(facts.api.secrets_listed, true);
  ASSERT_TRUE(facts.api.nodes);
  EXPECT_TRUE(facts.api.nodes->at(0).ready);
  EXPECT_GT(facts.api.nodes->at(0).lease_renewed, 1.7e9);
  EXPECT_FALSE(facts.api.nodes->at(1).ready);
  EXPECT_EQ(facts.api.nodes->at(1).lease_renewed, 0);
  ASSERT_TRUE(facts.api.network_pods);
  ASSERT_EQ(facts.api.network_pods->size(), 2U) << "one has ended";
  const NetworkPod& pod = facts.api.network_pods->at(0);
  EXPECT_EQ(pod.name + " " + pod.uid + " " + pod.node, "canal-a u1 n1");
  EXPECT_GT(pod.started_at, 1.7e9);
  EXPECT_FALSE(pod.terminating);
  EXPECT_EQ(facts.api.network_pods->at(1).started_at, 0);
  EXPECT_TRUE(facts.api.network_pods->at(1).terminating);
  EXPECT_EQ(facts.health.at("kube-proxy"), "000");
  EXPECT_FALSE(facts.receipt);
  EXPECT_EQ(facts.receipt_error, "");
}

TEST(Look, CutAnywhereIsAnErrorAndNeverFewerFacts) {
  const std::string whole = kLook;
  for (std::size_t length = 0; length + 1 < whole.size(); length += 11) {
    const auto read = ParseLook(whole.substr(0, length));
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(read.error().reason, "LookUnreadable");
    EXPECT_EQ(read.error().kind, ErrorKind::kTransient);
  }
  EXPECT_FALSE(ParseLook(whole + "more\tx\n"));
}

TEST(Look, WhatCouldNotBeToldIsNotAbsent) {
  const struct {
    const char* name;
    const char* text;
    void (*expect)(const NodeFacts&);
  } cases[] = {
      {"docker is silent", "docker_error\tno daemon\n",
       [](const NodeFacts& facts) { EXPECT_FALSE(facts.containers); }},
      {"no containers", "docker\t1\ncontainers\tbegin\n",
       [](const NodeFacts& facts) {
         ASSERT_TRUE(facts.containers);
         EXPECT_THAT(*facts.containers, IsEmpty());
       }},
      {"a container that cannot be read", "containers\tbegin\ncontainer\t{\"name\":1}\n",
       [](const NodeFacts& facts) { EXPECT_FALSE(facts.containers); }},
      {"an unreadable receipt", "receipt\t{\n",
       [](const NodeFacts& facts) {
         EXPECT_FALSE(facts.receipt);
         EXPECT_NE(facts.receipt_error, "");
       }},
      {"an unreadable archive", "finished\t{\n",
       [](const NodeFacts& facts) { EXPECT_NE(facts.receipt_error, ""); }},
      {"etcd answers half",
       "etcd_asked\t1\netcd_status\t[{\"Status\":{\"header\":{\"cluster_id\":1,\"member_id\":1,"
       "\"revision\":1}}}]\netcd_hash\tcontext deadline exceeded\n",
       [](const NodeFacts& facts) {
         EXPECT_FALSE(facts.etcd);
         EXPECT_THAT(facts.etcd_error, HasSubstr("deadline"));
       }},
      {"secrets are refused", "api_asked\t1\napi_ready\t1\napi_secrets\t403\n",
       [](const NodeFacts& facts) { EXPECT_EQ(facts.api.secrets_listed, false); }},
      {"half of the network pods", "api_asked\t1\napi_ready\t1\napi_pods\t[{\"items\":[]},{}]\n",
       [](const NodeFacts& facts) { EXPECT_FALSE(facts.api.network_pods); }},
      {"secrets were not asked", "api_asked\t1\napi_ready\t1\n",
       [](const NodeFacts& facts) { EXPECT_FALSE(facts.api.secrets_listed); }},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    const auto read = ParseLook(std::string(one.text) + "@@ok\n");
    ASSERT_TRUE(read);
    one.expect(*read);
  }
}

TEST(Look, TellsAlarmsThatCouldNotBeReadFromNone) {
  const auto look = [](const std::string& answer) {
    std::string text = kLook;
    const std::string healthy = R"({"header":{}})";
    text.replace(text.find("etcd_alarms\t" + healthy) + 12, healthy.size(), answer);
    return ParseLook(text).value();
  };
  for (const char* none : {R"({"header":{},"alarms":[]})", R"({"header":{},"alarms":null})"}) {
    const NodeFacts facts = look(none);
    ASSERT_TRUE(facts.etcd) << none << facts.etcd_error;
    EXPECT_THAT(facts.etcd->alarms, IsEmpty()) << none;
  }
  const NodeFacts full = look(R"({"header":{},"alarms":[{"memberID":1,"alarm":1}]})");
  ASSERT_TRUE(full.etcd) << full.etcd_error;
  EXPECT_THAT(full.etcd->alarms, ElementsAre(HasSubstr(R"("alarm":1)")));
  for (const char* unread : {"Error: context deadline exceeded", "", "null", "[]",
                             R"({"level":"warn","msg":"retrying of unary invoker failed"})"}) {
    const NodeFacts facts = look(unread);
    EXPECT_FALSE(facts.etcd) << unread;
    EXPECT_THAT(facts.etcd_error, HasSubstr("etcd_alarms")) << unread;
  }
}

// The ids that etcdutl 3.5.35 gave the members of restored snapshots.
TEST(Identity, IsThatOfARealEtcd) {
  const struct {
    const char* token;
    std::vector<std::pair<const char*, std::uint64_t>> members;
    std::uint64_t cluster;
  } cases[] = {
      {"etcdrestore-r1-0000abcd",
       {{"https://10.0.0.1:2380", 0x8eb752c4813ba892},
        {"https://10.0.0.2:2380", 0x1933e1491404008d},
        {"https://10.0.0.3:2380", 0x84f9ce09e001f64a}},
       0x826522b8d9cffb58},
      {"etcdrestore-r1-0000abcd",
       {{"https://10.0.0.1:2380", 0x8eb752c4813ba892}},
       0x99f279b96b2b6ee5},
      {"other",
       {{"https://10.0.0.3:2380", 0xc82e9f380562bea7},
        {"https://10.0.0.1:2380", 0x83350eb52cd1065d},
        {"https://10.0.0.2:2380", 0x33d74842f78f5214}},
       0x4c128a2092ca661d},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.token);
    std::vector<std::uint64_t> ids;
    for (const auto& [url, id] : one.members) {
      EXPECT_EQ(HexId(MemberId({url}, one.token)), HexId(id)) << url;
      ids.push_back(id);
    }
    EXPECT_EQ(HexId(ClusterId(ids)), HexId(one.cluster));
  }
  const std::uint64_t two = MemberId({"http://z:1", "http://b:2"}, "t");
  EXPECT_EQ(HexId(two), "2bd171c1be32c23c");
  EXPECT_EQ(HexId(ClusterId({two})), "db553758c616ac03");
}

TEST(Target, KnowsMembersAndComponentsOfEachNode) {
  const Target target = ATarget();
  EXPECT_EQ(target.run_key, "prod/recovery/a/r1");
  EXPECT_THAT(target.run, MatchesRegex("r1-[0-9a-f]{8}"));
  EXPECT_EQ(target.token, "etcdrestore-" + target.run);
  EXPECT_EQ(target.InitialCluster(),
            "etcd-n1=https://10.0.0.1:2380,etcd-n2=https://10.0.0.2:2380,"
            "etcd-n3=https://10.0.0.3:2380");
  EXPECT_EQ(target.EtcdNodes().size(), 3U);
  EXPECT_THAT(target.nodes[0].Components(),
              ElementsAre("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
                          "kubelet", "kube-proxy"));
  EXPECT_THAT(target.nodes[3].Components(), ElementsAre("kubelet", "kube-proxy"));
}

TEST(Target, MarksReplacementsAndWhatTheyReplace) {
  const auto patch = [](const char* with) {
    return nlohmann::ordered_json::parse(R"({"replaceNodes": [{"address": "10.0.0.3", "with": )" +
                                         std::string(with) + "}]}");
  };
  const Target renamed = ATarget(patch(R"({"address": "10.0.0.4", "hostnameOverride": "n4"})"));
  EXPECT_TRUE(renamed.nodes[2].replacement);
  EXPECT_EQ(renamed.nodes[2].member_name, "etcd-n4");
  EXPECT_EQ(renamed.nodes[2].peer_url, "https://10.0.0.4:2380");
  EXPECT_THAT(renamed.replaced_hostnames, ElementsAre("n3"));
  EXPECT_NE(renamed.ExpectedClusterId(), ATarget().ExpectedClusterId());
  const Target same_name = ATarget(patch(R"({"address": "10.0.0.4"})"));
  EXPECT_TRUE(same_name.nodes[2].replacement);
  EXPECT_THAT(same_name.replaced_hostnames, IsEmpty());
}

TEST(Target, NamesAreSafeAndDifferentForEveryRun) {
  const Target slashes = ATarget({{"runID", "2026-11-22T03.00"}});
  EXPECT_THAT(slashes.run, MatchesRegex("2026-11-22T03-00-[0-9a-f]{8}"));
  EXPECT_NE(ATarget({{"runID", "r2"}}).token, ATarget().token);
  EXPECT_NE(ATarget({{"clusterName", "other"}}).run, ATarget().run);
}

TEST(Target, DigestIsOfWhatMayNotChangeWithinARun) {
  const std::string digest = ATarget().spec_digest;
  const struct {
    const char* patch;
    bool same;
  } cases[] = {
      {R"({"paused": true})", true},
      {R"({"cancel": true})", true},
      {R"({"approvedPlan": "x"})", true},
      {R"({"notAfter": "2027-01-01T00:00:00Z"})", true},
      {R"({"clean": {"keepOldDataFor": "1h"}})", true},
      {R"({"strategy": "Rebuild"})", false},
      {R"({"snapshot": {"latest": null, "name": "x"}})", false},
      {R"({"clean": {"workers": true}})", false},
      {R"({"sources": [{"nodes": {"directory": "/other"}}]})", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.patch);
    EXPECT_EQ(ATarget(nlohmann::ordered_json::parse(one.patch)).spec_digest == digest, one.same);
  }
}

TEST(Target, RefusesTwoNodesOfOneName) {
  ClusterConfig config = fakes::AConfig();
  config.nodes[1].hostname = "n1";
  config.raw["nodes"][1]["hostname_override"] = "n1";
  const auto object = ParseEtcdRestore(fakes::AnObject());
  const auto target = MakeTarget(*object, config, std::nullopt);
  ASSERT_FALSE(target);
}

}  // namespace
}  // namespace etcdrestore
