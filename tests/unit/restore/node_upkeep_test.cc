// The real node script under /bin/sh: network pods, images, old data, the docker that it asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "operator/base/sha256.h"
#include "tests/unit/restore/node_fixture.h"

namespace etcdrestore {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kBeside = "/var/lib/etcd-restored-r1-1";
constexpr const char* kState = "/opt/rke/.etcdrestore";

/// A node held by `me`.
struct NodeUpkeep : NodeTest {
  NodeUpkeep() {
    room.Write("/var/lib/etcd/member/snap/db", "old");
    room.Container("etcd", "stopped no");
    EXPECT_EQ(ReasonOf(me->Take({}, {})), "");
  }
};

/// An API server as curl sees it: what was asked goes to the log; `answers` is a shell case list.
std::string ApiServer(const std::string& answers) {
  return "printf 'curl %s\\n' \"$*\" >>\"$FAKE_DOCKER/log\"\n"
         "for url in \"$@\"; do :; done\n"
         "case $url in\n" +
         answers + "*) printf '{}\\n404' ;;\nesac\n";
}

TEST_F(NodeUpkeep, FindsNetworkPodsByTheirLabelsOrTellsNone) {
  const std::string canal = R"({"items":[{"metadata":{"name":"canal-a","uid":"u1"},)"
                            R"("spec":{"nodeName":"n1"},"status":{}}]})";
  const std::string ready = "*/readyz*) printf 'ok\\n200' ;;\n";
  const std::string labels =
      "*kube-system/pods*calico-node*) printf '%s\\n200' '" + canal + "' ;;\n";
  const std::string weave = R"(*kube-system/pods*weave-net*) printf '{"items":[]}\n200' ;;)"
                            "\n";
  room.Program("curl", ApiServer(ready + labels + weave));
  const auto pods = Look({.api = true, .kube_nodes = true, .health = true}).api.network_pods;
  ASSERT_TRUE(pods);
  ASSERT_EQ(pods->size(), 1U);
  EXPECT_EQ(pods->at(0).name, "canal-a");
  room.Program("curl", ApiServer(ready + labels));
  EXPECT_FALSE(Look({.api = true, .kube_nodes = true, .health = true}).api.network_pods)
      << "one of the lists was refused";
  room.Program("curl", ApiServer(ready + labels + weave));
  EXPECT_FALSE(Look({.api = true, .kube_nodes = true}).api.network_pods) << "not asked for";
}

TEST_F(NodeUpkeep, DeletesPodsAsTheKubeletAndOneThatIsGoneIsGone) {
  room.Program("curl", ApiServer("*/pods/canal-a) printf '{}\\n200' ;;\n"
                                 "*/pods/canal-c) printf 'forbidden\\n403' ;;\n"));
  EXPECT_EQ(ReasonOf(me->DeletePods({}, {"canal-a", "canal-gone"})), "");
  EXPECT_THAT(room.DockerLog(), AllOf(HasSubstr("-X DELETE"), HasSubstr("kube-node.pem"),
                                      HasSubstr("/api/v1/namespaces/kube-system/pods/canal-gone")));
  const Status refused = me->DeletePods({}, {"canal-c"});
  EXPECT_EQ(ReasonOf(refused), "PodNotDeleted");
  EXPECT_THAT(refused.error().message, HasSubstr("forbidden"));
  EXPECT_EQ(ReasonOf(me->DeletePods({}, {"a/../../nodes/n1"})), "BadArgument");
}

TEST_F(NodeUpkeep, PurgesWhatAFinishedRunKeptAndNothingElse) {
  const std::string run = std::string(kState) + "/runs/r0-1";
  for (const char* path :
       {"/var/lib/etcd-before-r0-1/member/snap/db", "/var/lib/etcd-before-r0-10/member/snap/db",
        "/var/lib/etcd/.before-x/y", "/opt/rke/etcd-snapshots/r0-1"})
    room.Write(path, "kept");
  room.Write(run + "/old/etc/kubernetes/ssl/kube-ca-key.pem", "key");
  room.Write(run + "/snapshot.db", "snap");
  EXPECT_EQ(ReasonOf(me->Purge({}, {"r0-1", "r0-1"})), "NotFinished");
  EXPECT_TRUE(room.Exists("/var/lib/etcd-before-r0-1/member/snap/db"));
  room.Write(run + "/finished.json", "{}");
  for (const char* name : {"", "..", "a/b", "r0-1 x"}) {
    EXPECT_EQ(ReasonOf(me->Purge({}, {"r0-1", name})), "BadArgument") << name;
    EXPECT_EQ(ReasonOf(me->Purge({}, {name, "r0-1"})), "BadArgument") << name;
  }
  EXPECT_EQ(ReasonOf(me->Purge({}, {"r0-1", "r0-1"})), "");
  EXPECT_FALSE(room.Exists("/var/lib/etcd-before-r0-1"));
  EXPECT_FALSE(room.Exists(run + "/old"));
  EXPECT_FALSE(room.Exists(run + "/snapshot.db"));
  EXPECT_TRUE(room.Exists(run + "/finished.json")) << "a run happens once";
  for (const char* path : {"/var/lib/etcd-before-r0-10/member/snap/db", "/var/lib/etcd/.before-x/y",
                           "/var/lib/etcd/member/snap/db", "/opt/rke/etcd-snapshots/r0-1"})
    EXPECT_TRUE(room.Exists(path)) << path;
  EXPECT_EQ(ReasonOf(me->Purge({}, {"r0-1", "x"})), "") << "adopted, inside a mount point";
  EXPECT_FALSE(room.Exists("/var/lib/etcd/.before-x"));
  std::filesystem::create_symlink("/var/lib/etcd", room.At("/var/lib/etcd-before-link"));
  EXPECT_EQ(ReasonOf(me->Purge({}, {"r0-1", "link"})), "NotAFolder");
  EXPECT_EQ(room.Read("/var/lib/etcd/member/snap/db"), "old");
}

TEST_F(NodeUpkeep, PullsAnImageWithALoginThatIsInMemoryOnlyAndThenGone) {
  // /dev/shm is that of this machine: a run name of its own.
  const std::string run = "pull-" + std::to_string(getpid());
  const std::string folder = "/dev/shm/etcdrestore-" + run;
  const auto node = room.As("me", run);
  room.Write("/../docker/login", R"({"auths":{"reg:5000":{"auth":"canary"}}})");
  const Secret login(R"({"auths":{"reg:5000":{"auth":"canary"}}})");
  std::filesystem::create_directory(folder);  // left by a try that was killed
  EXPECT_EQ(ReasonOf(node->PullImage({}, "reg:5000/rancher/etcd:1", login)), "");
  EXPECT_THAT(room.DockerLog(), HasSubstr("pull -q reg:5000/rancher/etcd:1\n700\n600\n"));
  EXPECT_THAT(Look({.images = true}).images, testing::Contains("reg:5000/rancher/etcd:1"));
  EXPECT_FALSE(std::filesystem::exists(folder));
  const Status refused = node->PullImage({}, "reg:5000/rancher/etcd:2", Secret("{}"));
  EXPECT_EQ(ReasonOf(refused), "PullFailed");
  EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("denied"), HasSubstr("etcd:2")));
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_THAT(room.DockerLog(), Not(HasSubstr("canary")));
  EXPECT_EQ(ReasonOf(node->PullImage({}, "x", Secret("'"))), "BadLogin");
  std::filesystem::remove(room.At("/../docker/login"));
  EXPECT_THAT(room.Everything(), Not(HasSubstr("canary")));
}

TEST_F(NodeUpkeep, AsksTheDockerWhoseSocketClusterYmlNames) {
  room.Write("/../docker/socket", "/run/other.sock");
  EXPECT_FALSE(Look().containers) << "nobody listens on the usual one";
  auto node =
      MakeScriptMachine(room.Shell(), "n1", {"me", "prod"}, {"r1-1", "", "/run/other.sock"});
  ASSERT_TRUE(node->Look({}, {})->containers);
  std::string saved;
  EXPECT_TRUE(node->SaveImages({}, {"img:1"}, [&](std::string_view bytes) {
    saved += bytes;
    return Status();
  }));
  EXPECT_TRUE(node->LoadImages({}, BytesOf("tar")));
  EXPECT_EQ(room.Read("/../docker/loaded"), "tar");
  EXPECT_EQ(ReasonOf(me->LoadImages({}, BytesOf("tar"))), "DockerFailed");
}

TEST_F(NodeUpkeep, GivesOfWhatTheEtcdToolLoggedOnlyItsError) {
  ASSERT_TRUE(me->PutSnapshot({}, BytesOf("one"), 3, HexSha256("one")));
  const auto failure = [&](const std::string& said) {
    room.Write("/../docker/tool-fails", said);
    const auto db = me->RestoreBeside({}, ArgsOf("", 5));
    EXPECT_FALSE(db);
    return db ? Terminal("", "") : db.error();
  };
  const Error other = failure("2026 info added member {}\nError: snapshot has no hash\n");
  EXPECT_EQ(other.reason, "RestoreFailed");
  EXPECT_THAT(other.message, testing::EndsWith("etcdutl snapshot restore: snapshot has no hash"));
  const Error full = failure("info x\nError: write /restored/x: no space left on device\n");
  EXPECT_EQ(full.reason, "DiskError");
  EXPECT_THAT(full.message, AllOf(HasSubstr("no space left"), Not(HasSubstr("info"))));
  EXPECT_THAT(failure("docker: no such image").message, HasSubstr("no such image"));
}

/// Owners of all that lies under the path, as the numbers of users.
std::set<uid_t> OwnersOf(const std::string& path) {
  std::set<uid_t> owners;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    struct stat file {};
    EXPECT_EQ(::stat(entry.path().c_str(), &file), 0);
    owners.insert(file.st_uid);
  }
  return owners;
}

TEST_F(NodeUpkeep, WhatIsRestoredBesideBelongsToEtcdsOwnUser) {
  ASSERT_TRUE(me->PutSnapshot({}, BytesOf("one"), 3, HexSha256("one")));
  ASSERT_EQ(::chown(room.At("/var/lib/etcd/member").c_str(), 2379, 2379), 0);
  ASSERT_TRUE(me->RestoreBeside({}, ArgsOf("", 5)));
  EXPECT_THAT(OwnersOf(room.At(kBeside)), testing::ElementsAre(2379)) << "as the old data did";
  std::filesystem::remove_all(room.At("/var/lib/etcd/member"));
  EtcdRestoreArgs args = ArgsOf("", 5);
  args.owner = "2380:2380";
  ASSERT_TRUE(me->RestoreBeside({}, args));
  EXPECT_THAT(OwnersOf(room.At(kBeside)), testing::ElementsAre(2380)) << "as cluster.yml says";
}

}  // namespace
}  // namespace etcdrestore
