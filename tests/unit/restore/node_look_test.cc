// What the real look script under /bin/sh tells of a node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/sha256.h"
#include "tests/unit/restore/node_fixture.h"

namespace etcdrestore {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct NodeLook : NodeTest {};

TEST_F(NodeLook, TellsADockerThatDoesNotAnswerFromOneWithoutContainers) {
  room.Container("etcd", "stopped no");
  ASSERT_TRUE(Look().containers);
  EXPECT_EQ(Look().containers->size(), 1U);
  EXPECT_FALSE(Look().Running("etcd"));
  room.Write("/../docker/broken", "");
  EXPECT_FALSE(Look().containers);
  EXPECT_THAT(Look().docker_error, HasSubstr("Cannot connect"));
}

TEST_F(NodeLook, TellsNoContainersWhereDockerEndsBeforeTheLast) {
  room.Container("etcd", "running always");
  room.Container("kubelet", "running always");
  const std::string at_kubelet = "/../docker/ends-at-kubelet";
  room.Write(at_kubelet, "echo 'Cannot connect to the Docker daemon' >&2; exit 1\n");
  EXPECT_FALSE(Look().containers);
  EXPECT_THAT(Look().docker_error, HasSubstr("Cannot connect"));
  room.Write(at_kubelet, "exit 124\n");
  EXPECT_FALSE(Look().containers) << "timeout ended it";
  EXPECT_EQ(Look().docker_error, "it does not answer");
  room.Write("/../docker/ends-at-etcd", "exit 124\n");
  EXPECT_FALSE(Look().containers) << "none at all";
}

TEST_F(NodeLook, PassesOverAContainerThatVanishesWhileItLooks) {
  EXPECT_TRUE(Look().containers) << "there is none";
  room.Write("/../docker/vanished", "job\n");
  EXPECT_TRUE(Look().containers) << "there is none left";
  room.Container("etcd", "running always");
  room.Container("kubelet", "stopped no");
  const NodeFacts facts = Look();
  ASSERT_TRUE(facts.containers) << facts.docker_error;
  EXPECT_EQ(facts.containers->size(), 2U);
  EXPECT_TRUE(facts.Running("etcd"));
}

TEST_F(NodeLook, TellsTheNamesOfEncryptionKeysAndNoKey) {
  EXPECT_FALSE(Look({.images = true}).encryption_keys) << "no API server, nothing to tell";
  room.Container("kube-apiserver", "running always");
  room.Write("/etc/kubernetes/ssl/encryption.yaml",
             "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
             "- providers:\n  - aescbc:\n      keys:\n      - name: new\n        secret: c2VjcmV0\n"
             "      - name: \"old\"\n        secret: b2xk\n  - identity: {}\n  - kms:\n"
             "      name: vault\n  resources:\n  - secrets\n");
  const auto known = Look({.images = true}).encryption_keys;
  ASSERT_TRUE(known);
  EXPECT_THAT(*known, ElementsAre("aescbc:new", "aescbc:old", "kms:vault"));
  const std::string answer = room.Read("/../stdout");
  EXPECT_THAT(answer, HasSubstr("aescbc:new"));
  EXPECT_THAT(answer, Not(HasSubstr("c2VjcmV0")));
  room.Write("/etc/kubernetes/ssl/encryption.yaml", "");
  EXPECT_THAT(*Look({.images = true}).encryption_keys, IsEmpty());
}

TEST_F(NodeLook, LooksInTheSameTripWhenAnActWasToldTo) {
  ASSERT_TRUE(me->Take({}, {}));
  room.Container("etcd", "stopped no");
  room.Write("/var/lib/etcd/member/snap/db", "old");
  room.Write("/var/lib/etcd-restored-r1-1/member/snap/db", "new");
  room.Write("/var/lib/etcd-restored-r1-1/member/.etcdrestore", "r1-1\n");
  const LookOptions with_data{.hash_data = true};
  me->LookWithActs(with_data);
  ASSERT_TRUE(me->MoveOldDataAside({}));
  EXPECT_FALSE(me->Looked({})) << "that look asked for less than this one";
  ASSERT_TRUE(me->PutNewDataInPlace({}));
  const auto seen = me->Looked(with_data);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->data.member_run, "r1-1") << "it saw what the act had done";
  EXPECT_EQ(seen->data.db_sha256, HexSha256("new"));
  EXPECT_TRUE(seen->containers);
  EXPECT_FALSE(me->Looked(with_data)) << "once";
  room.Container("etcd", "running always");
  ASSERT_FALSE(me->MoveOldDataAside({}));
  EXPECT_FALSE(me->Looked(with_data)) << "an act that failed saw nothing";
  me->LookWithActs(std::nullopt);
  ASSERT_TRUE(me->Stop({}, {"etcd"}));
  EXPECT_FALSE(me->Looked(with_data));
}

struct EtcdOverHttp : NodeLook {
  EtcdOverHttp() {
    room.Container("etcd", "running always");
    const std::string curl = room.At("/../bin/curl");
    std::filesystem::copy_file(ETCDRESTORE_SOURCE_DIR "/tests/unit/restore/fake_curl.sh", curl);
    std::filesystem::permissions(curl, std::filesystem::perms::owner_all);
    room.Write("/../docker/leader", "13668033151171901709");
  }
};

TEST_F(EtcdOverHttp, IsReadAsItsToolIsRead) {
  const auto etcd = Look({.etcd = true, .hash_revision = 400}).etcd;
  ASSERT_TRUE(etcd);
  EXPECT_EQ(etcd->cluster_id, 15118495548433857066U);
  EXPECT_EQ(etcd->leader, 13668033151171901709U);
  EXPECT_EQ(etcd->revision, 434);
  EXPECT_EQ(etcd->hash, 336337781U);
  EXPECT_EQ(etcd->compact_revision, -1);
  EXPECT_EQ(etcd->hash_revision, 400);
  EXPECT_EQ(etcd->keys, 295U);
  ASSERT_EQ(etcd->members.size(), 1U);
  EXPECT_THAT(etcd->members[0].peer_urls, ElementsAre("https://10.0.0.1:2380"));
  EXPECT_THAT(etcd->alarms, ElementsAre(HasSubstr("NOSPACE")));
  const std::string asked = room.Read("/../docker/curl");
  EXPECT_THAT(asked, HasSubstr("cert = \"/etc/kubernetes/ssl/kube-etcd-n1.pem\""));
  EXPECT_THAT(asked, HasSubstr(R"({\"revision\":400})"));
  EXPECT_EQ(room.DockerCalls("exec"), 0);
}

TEST_F(NodeLook, TakesProgramsThatDoNotStartForNone) {
  EXPECT_TRUE(Look().has_curl);
  for (const char* name : {"curl", "wget"}) {
    EXPECT_EQ(Look({.health = true}).health.size(), 4U) << "asked while one of the two works";
    room.Program(name, "exit 1\n");
  }
  EXPECT_FALSE(Look().has_curl);
  EXPECT_FALSE(Look().has_wget);
  EXPECT_TRUE(Look({.health = true}).health.empty()) << "nobody was asked, nobody is unhealthy";
  EXPECT_EQ(Look({.api = true}).api.message, "no answer") << "and the other way was tried";
  EXPECT_EQ(room.DockerCalls("exec kube-apiserver kubectl"), 1);
}

TEST_F(NodeLook, SaysWhyAnApiServerIsNotReadyInFewWords) {
  const auto said = [&](const std::string& answer) {
    room.Program("curl", "case $* in *readyz*) printf '" + answer + "' ;; esac\n");
    const ApiFacts api = Look({.api = true}).api;
    EXPECT_FALSE(api.ready);
    return api.message;
  };
  EXPECT_EQ(said("[+]ping ok\\n[-]etcd failed: reason withheld\\n[-]poststarthook/rbac failed: not "
                 "finished\\nreadyz check failed\\n500"),
            "these checks do not pass: etcd poststarthook/rbac");
  EXPECT_EQ(said(R"({"kind":"Status","message":"forbidden: User \\"x\\" cannot","code":403}\n403)"),
            "forbidden: User \"x\" cannot");
  EXPECT_EQ(said("curl: (7) Failed to connect\\n000"), "curl: (7) Failed to connect 000");
}

TEST_F(EtcdOverHttp, IsNotAskedFurtherWithoutALeader) {
  room.Write("/../docker/leader", "0");
  const auto etcd = Look({.etcd = true}).etcd;
  ASSERT_TRUE(etcd);
  EXPECT_EQ(etcd->leader, 0U);
  EXPECT_EQ(etcd->revision, 434);
  EXPECT_THAT(room.Read("/../docker/curl"), Not(HasSubstr("hashkv")));
}

TEST_F(EtcdOverHttp, GivesWayToTheToolWhereItCannotTellAll) {
  room.Write("/../docker/no-hash", "");
  const NodeFacts facts = Look({.etcd = true});
  EXPECT_FALSE(facts.etcd) << "the tool, which fails here, has the last word";
  EXPECT_EQ(room.DockerCalls("etcdctl --command-timeout=5s endpoint status"), 1);
}

}  // namespace
}  // namespace etcdrestore
