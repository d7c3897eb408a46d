// The real node script under /bin/sh: who may act, and what data may move.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "operator/base/sha256.h"
#include "tests/unit/restore/node_fixture.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kData = "/var/lib/etcd";
constexpr const char* kKept = "/var/lib/etcd-before-r1-1";
constexpr const char* kBeside = "/var/lib/etcd-restored-r1-1";
constexpr const char* kState = "/opt/rke/.etcdrestore";

/// A node held by `me`, with a stopped etcd on old data.
struct NodeScript : NodeTest {
  NodeScript() {
    room.Write(std::string(kData) + "/member/snap/db", "old");
    room.Container("etcd", "stopped no");
    EXPECT_EQ(ReasonOf(me->Take({}, {})), "");
  }
  void RestoredBeside() {
    room.Write(std::string(kBeside) + "/member/snap/db", "new");
    room.Write(std::string(kBeside) + "/member/.etcdrestore", "r1-1\n");
  }
  std::string Member() { return room.Read(std::string(kData) + "/member/snap/db"); }
  std::string Kept() { return room.Read(std::string(kKept) + "/member/snap/db"); }
};

TEST_F(NodeScript, GivesTheNodeToOneProcessOnly) {
  const auto other = room.As("other");
  const Status refused = other->Take({}, {"someone"});
  EXPECT_EQ(ReasonOf(refused), "LockedByOther");
  EXPECT_THAT(refused.error().message, HasSubstr("me|prod|"));
  EXPECT_EQ(refused.error().kind, ErrorKind::kTerminal);
  EXPECT_EQ(Look().lock.holder, "me");
  EXPECT_TRUE(other->Take({}, {"x", "me"}));
  EXPECT_EQ(Look().lock.holder, "other");
  EXPECT_EQ(ReasonOf(me->Renew({})), "LockLost");
  EXPECT_TRUE(me->Take({}, {"*"}));
  EXPECT_TRUE(me->Release({}));
  EXPECT_EQ(Look().lock.holder, "");
  EXPECT_TRUE(other->Take({}, {}));
}

TEST_F(NodeScript, TakesOverFromAHolderThatHasNotRenewedForAMinute) {
  room.Write(std::string(kState) + "/lock", "gone|prod|1000.5\n");
  EXPECT_TRUE(me->Take({}, {}));
  EXPECT_EQ(Look().lock.holder, "me");
}

TEST_F(NodeScript, LooksWithoutHoldingAndWithoutChangingAnything) {
  const std::string before = room.Everything();
  const auto facts = room.As("nobody")->Look({}, {.hash_staged = true, .hash_data = true});
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(room.Everything(), before);
  EXPECT_EQ(facts->access, "host key SHA256:room, the user is root");
}

TEST_F(NodeScript, ChangesNothingForAProcessThatLostTheNode) {
  RestoredBeside();
  room.Write("/etc/cni/net.d/x", "x");
  const auto lost = room.As("lost");
  const std::string before = room.Everything();
  const std::vector<std::pair<const char*, std::function<Status()>>> acts = {
      {"renew", [&] { return lost->Renew({}); }},
      {"release", [&] { return lost->Release({}); }},
      {"receipt", [&] { return lost->WriteReceipt({}, {}); }},
      {"put", [&] { return lost->PutSnapshot({}, BytesOf("x"), 1, HexSha256("x")); }},
      {"fetch",
       [&] { return lost->FetchSnapshot({}, Secret("http://127.0.0.1:1/x"), 1, HexSha256("x")); }},
      {"restore_beside",
       [&]() -> Status {
         const auto db = lost->RestoreBeside({}, ArgsOf("x", 0));
         return db ? Status() : Status(db.error());
       }},
      {"policies",
       [&] {
         return lost->SetPolicies({}, {{"etcd", "always"}});
       }},
      {"stop", [&] { return lost->Stop({}, {"etcd"}); }},
      {"start", [&] { return lost->Start({}, {"etcd"}); }},
      {"restart", [&] { return lost->Restart({}, {"etcd"}); }},
      {"remove", [&] { return lost->RemoveContainers({}, {"etcd"}, true); }},
      {"move_aside", [&] { return lost->MoveOldDataAside({}); }},
      {"put_in_place", [&] { return lost->PutNewDataInPlace({}); }},
      {"clean_paths", [&] { return lost->CleanPaths({}); }},
      {"purge",
       [&] {
         return lost->Purge({}, {"r0-1", "r0-1"});
       }},
      {"pull", [&] { return lost->PullImage({}, "img:2", Secret("{}")); }},
      {"delete_pods", [&] { return lost->DeletePods({}, {"canal-a"}); }},
  };
  for (const auto& [name, act] : acts) {
    SCOPED_TRACE(name);
    EXPECT_EQ(ReasonOf(act()), "LockLost");
    EXPECT_EQ(room.Everything(), before);
  }
}

TEST_F(NodeScript, WritesTheReceiptWholeAndArchivesAFinishedOne) {
  Receipt receipt;
  receipt.run_key = "prod/recovery/it's \"quoted\" $(touch /opt/rke/x)/r1";
  receipt.run = "r1-1";
  receipt.before["etcd"] = {"always", true};
  ASSERT_TRUE(me->WriteReceipt({}, receipt));
  EXPECT_EQ(Look().receipt, receipt);
  EXPECT_THAT(Look().finished_runs, IsEmpty());
  EXPECT_FALSE(room.Exists("/opt/rke/x"));
  // A write that was cut leaves a temporary file behind, never a cut record.
  room.Write(std::string(kState) + "/receipt.json.new", "{\"ver");
  EXPECT_EQ(Look().receipt, receipt);
  receipt.stage = Stage::kFinished;
  ASSERT_TRUE(me->WriteReceipt({}, receipt));
  ASSERT_EQ(Look().finished_runs.size(), 1U);
  EXPECT_EQ(Look().finished_runs[0].run_key, receipt.run_key);
  EXPECT_EQ(Look().finished_runs[0].run, "r1-1");
  EXPECT_EQ(Look().finished_runs[0].keep_for, 168 * 3600);
  EXPECT_FALSE(room.Exists(std::string(kState) + "/receipt.json.new"));
}

TEST_F(NodeScript, ArchivesAFinishedReceiptBeforeItIsTheReceipt) {
  Receipt receipt;
  receipt.run_key = "prod/recovery/a/r1";
  receipt.stage = Stage::kRestored;
  ASSERT_TRUE(me->WriteReceipt({}, receipt));
  std::filesystem::create_directories(room.At(std::string(kState) + "/receipt.json.new"));
  receipt.stage = Stage::kFinished;
  EXPECT_EQ(ReasonOf(me->WriteReceipt({}, receipt)), "DiskError");
  EXPECT_EQ(Look().receipt->stage, Stage::kRestored);
  ASSERT_EQ(Look().finished_runs.size(), 1U);
  EXPECT_EQ(Look().finished_runs[0].run_key, receipt.run_key);
}

TEST_F(NodeScript, TellsAnUnreadableReceiptFromNone) {
  EXPECT_FALSE(Look().receipt);
  EXPECT_EQ(Look().receipt_error, "");
  room.Write(std::string(kState) + "/receipt.json", "");
  EXPECT_FALSE(Look().receipt);
  EXPECT_NE(Look().receipt_error, "");
}

TEST_F(NodeScript, StagesOnlyWhatHasTheRightSizeAndContent) {
  const std::string staged = std::string(kState) + "/runs/r1-1/snapshot.db";
  const std::string text("snap\0shot\n'$x", 13);
  const Status size = me->PutSnapshot({}, BytesOf(text), 4, HexSha256(text));
  EXPECT_EQ(ReasonOf(size), "WrongSize");
  EXPECT_FALSE(room.Exists(staged));
  const Status content = me->PutSnapshot({}, BytesOf(text), text.size(), HexSha256("other"));
  EXPECT_EQ(ReasonOf(content), "WrongContent");
  EXPECT_FALSE(room.Exists(staged));
  EXPECT_EQ(ReasonOf(me->PutSnapshot({}, BytesOf(""), text.size(), HexSha256(text))), "WrongSize");
  ASSERT_TRUE(me->PutSnapshot({}, BytesOf(text), text.size(), HexSha256(text)));
  EXPECT_EQ(room.Read(staged), text);
  const NodeFacts facts = Look({.hash_staged = true});
  EXPECT_EQ(facts.data.staged_size, text.size());
  EXPECT_EQ(facts.data.staged_sha256, HexSha256(text));
}

TEST_F(NodeScript, NeverShowsASecretOfTheDownloadAddress) {
  const Status failed = me->FetchSnapshot({}, Secret("http://127.0.0.1:1/x?X-Amz-Signature=canary"),
                                          1, HexSha256("x"));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, Not(HasSubstr("canary")));
  EXPECT_THAT(room.Everything(), Not(HasSubstr("canary")));
  EXPECT_EQ(ReasonOf(me->FetchSnapshot({}, Secret("http://h/x'; rm -rf /"), 1, "")), "BadUrl");
}

TEST_F(NodeScript, RestoresBesideAgainUnlessTheVeryCopyIsThere) {
  ASSERT_TRUE(me->PutSnapshot({}, BytesOf("one"), 3, HexSha256("one")));
  const auto restore = [&](const EtcdRestoreArgs& args) {
    const auto db = me->RestoreBeside({}, args);
    EXPECT_TRUE(db) << db.error().message;
    return db ? db->sha256 : "";
  };
  const auto restores = [&] { return room.DockerCalls("snapshot restore"); };
  const std::string made = HexSha256("restored one");
  EXPECT_EQ(restore(ArgsOf("", 5)), made);
  EXPECT_THAT(room.DockerLog(), HasSubstr("--bump-revision 5 --mark-compacted"));
  EXPECT_EQ(restore(ArgsOf(made, 5)), made);
  EXPECT_EQ(restores(), 1);
  EXPECT_EQ(restore(ArgsOf("", 5)), made) << "no receipt vouches for what is there";
  EXPECT_EQ(restores(), 2);
  room.Write(std::string(kBeside) + "/member/snap/db", "changed");
  EXPECT_EQ(restore(ArgsOf(made, 5)), made);
  EXPECT_EQ(restores(), 3);
  EXPECT_EQ(Look().data.restored_run, "r1-1");
  EXPECT_EQ(Member(), "old");
}

TEST_F(NodeScript, AsksTheEtcdToolForItsHashOnlyWhenTold) {
  ASSERT_TRUE(me->PutSnapshot({}, BytesOf("one"), 3, HexSha256("one")));
  auto args = ArgsOf("", 5);
  const auto without = me->RestoreBeside({}, args);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->hash, "");
  args.db_sha256 = without->sha256;
  args.with_hash = true;
  const auto with = me->RestoreBeside({}, args);
  ASSERT_TRUE(with);
  EXPECT_NE(with->hash, "");
}

TEST_F(NodeScript, MovesOldDataAsideAndNewDataInPlace) {
  RestoredBeside();
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(me->MoveOldDataAside({}));
    EXPECT_FALSE(Look().data.member_exists);
    EXPECT_TRUE(Look().data.kept_exists);
    EXPECT_EQ(Kept(), "old");
  }
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(me->PutNewDataInPlace({}));
    EXPECT_EQ(Member(), "new");
    EXPECT_EQ(Look().data.member_run, "r1-1");
    EXPECT_FALSE(Look().data.restored_exists);
  }
  // Once in place it is not old data, whoever asks again.
  ASSERT_TRUE(me->MoveOldDataAside({}));
  EXPECT_EQ(Member(), "new");
  EXPECT_EQ(Kept(), "old");
}

TEST_F(NodeScript, GoesOnWhereAMoveWasCut) {
  RestoredBeside();
  std::filesystem::create_directories(room.At(kKept));  // made, and nothing was renamed yet
  ASSERT_TRUE(me->MoveOldDataAside({}));
  EXPECT_EQ(Kept(), "old");
  // The rename into place happened, the empty folder was not removed yet.
  std::filesystem::rename(room.At(std::string(kBeside) + "/member"),
                          room.At(std::string(kData) + "/member"));
  ASSERT_TRUE(me->PutNewDataInPlace({}));
  EXPECT_FALSE(room.Exists(kBeside));
  EXPECT_EQ(Member(), "new");
}

TEST_F(NodeScript, NotesThatThereWasNoOldData) {
  std::filesystem::remove_all(room.At(kData));
  RestoredBeside();
  ASSERT_TRUE(me->MoveOldDataAside({}));
  EXPECT_TRUE(Look().data.kept_exists);
  ASSERT_TRUE(me->PutNewDataInPlace({}));
  EXPECT_EQ(Member(), "new");
}

TEST_F(NodeScript, MovesNothingWhereItWouldOverwrite) {
  RestoredBeside();
  room.Write(std::string(kKept) + "/member/snap/db", "older");
  const std::string before = room.Everything();
  EXPECT_EQ(ReasonOf(me->MoveOldDataAside({})), "OldDataInTheWay");
  EXPECT_EQ(ReasonOf(me->PutNewDataInPlace({})), "OldDataInTheWay");
  EXPECT_EQ(Kept(), "older");
  EXPECT_EQ(Member(), "old");
  std::filesystem::remove_all(room.At(std::string(kData) + "/member"));
  std::filesystem::remove_all(room.At(kBeside));
  const Status missing = me->PutNewDataInPlace({});
  EXPECT_EQ(ReasonOf(missing), "NewDataMissing");
  EXPECT_EQ(missing.error().kind, ErrorKind::kTerminal);
}

TEST_F(NodeScript, MovesNothingUnderAnEtcdThatRunsOrCouldStart) {
  RestoredBeside();
  for (const char* state : {"running always", "running no", "stopped always",
                            "stopped unless-stopped", "stopped on-failure"}) {
    SCOPED_TRACE(state);
    room.Container("etcd", state);
    EXPECT_EQ(ReasonOf(me->MoveOldDataAside({})), "EtcdNotStopped");
    EXPECT_EQ(ReasonOf(me->PutNewDataInPlace({})), "EtcdNotStopped");
    EXPECT_EQ(Member(), "old");
    EXPECT_EQ(Kept(), "");
  }
  room.Write("/../docker/broken", "");
  EXPECT_EQ(ReasonOf(me->MoveOldDataAside({})), "EtcdNotStopped") << "docker does not tell";
  EXPECT_EQ(Member(), "old");
}

TEST_F(NodeScript, KeepsOldDataInsideADataFolderThatIsAMountPoint) {
  std::filesystem::create_directories(room.At("/opt/disk"));
  room.Before("mount --bind /opt/disk /var/lib/etcd");
  me = room.As("me");
  room.Write("/opt/disk/member/snap/db", "old");
  room.Write("/opt/disk/.restored-r1-1/member/snap/db", "new");
  room.Write("/opt/disk/.restored-r1-1/member/.etcdrestore", "r1-1\n");
  EXPECT_TRUE(Look().data.is_mount);
  ASSERT_TRUE(me->MoveOldDataAside({}));
  ASSERT_TRUE(me->PutNewDataInPlace({}));
  EXPECT_EQ(room.Read("/opt/disk/.before-r1-1/member/snap/db"), "old");
  EXPECT_EQ(room.Read("/opt/disk/member/snap/db"), "new");
}

TEST_F(NodeScript, EmptiesTheRunbooksFoldersAndKeepsACopy) {
  const std::string old = std::string(kState) + "/runs/r1-1/old";
  room.Write("/etc/kubernetes/ssl/kube-ca.pem", "ca");
  room.Write("/etc/kubernetes/admission.yaml", "stays");
  room.Write("/etc/cni/net.d/10-canal.conflist", "cni");
  room.Write(old + "/etc/cni.new/half", "a copy that was cut");
  ASSERT_TRUE(me->CleanPaths({}));
  EXPECT_THAT(Look().left_paths, IsEmpty());
  EXPECT_EQ(room.Read("/etc/kubernetes/admission.yaml"), "stays");
  EXPECT_EQ(room.Read(old + "/etc/kubernetes/ssl/kube-ca.pem"), "ca");
  EXPECT_EQ(room.Read(old + "/etc/cni/net.d/10-canal.conflist"), "cni");
  EXPECT_FALSE(room.Exists(old + "/etc/cni/half"));
  // The first copy is the true one: what lies there at a later try is left out of it.
  room.Write("/etc/kubernetes/ssl/kube-ca.pem", "later");
  ASSERT_TRUE(me->CleanPaths({}));
  EXPECT_EQ(room.Read(old + "/etc/kubernetes/ssl/kube-ca.pem"), "ca");
}

TEST_F(NodeScript, CleansNothingBelowAMount) {
  room.Write("/etc/kubernetes/ssl/kube-ca.pem", "ca");
  std::filesystem::create_directories(room.At("/etc/cni/net.d"));
  std::filesystem::create_directories(room.At("/opt/secrets"));
  room.Write("/opt/secrets/x", "x");
  room.Before("mount --bind /opt/secrets /etc/cni/net.d");
  const Status refused = room.As("me")->CleanPaths({});
  EXPECT_EQ(ReasonOf(refused), "MountBelow");
  EXPECT_THAT(refused.error().message, HasSubstr("/etc/cni/net.d"));
  EXPECT_EQ(room.Read("/opt/secrets/x"), "x");
}

TEST_F(NodeScript, TreatsContainersThatAreGoneAsStoppedButNotAsStarted) {
  room.Container("kubelet", "running always");
  EXPECT_TRUE(me->Stop({}, {"gone", "kubelet"}));
  EXPECT_EQ(room.ContainerState("kubelet"), "stopped always");
  EXPECT_TRUE(me->SetPolicies({}, {{"gone", "no"}, {"kubelet", "no"}}));
  EXPECT_EQ(room.ContainerState("kubelet"), "stopped no");
  EXPECT_TRUE(me->Restart({}, {"kubelet"}));
  EXPECT_EQ(room.ContainerState("kubelet"), "running no");
  EXPECT_EQ(ReasonOf(me->Start({}, {"gone"})), "DockerFailed");
  EXPECT_TRUE(me->RemoveContainers({}, {"kubelet", "gone"}, true));
  EXPECT_THAT(room.DockerLog(), HasSubstr("rm -f -v kubelet gone\n"));
  EXPECT_TRUE(me->RemoveContainers({}, {"gone"}, false));
  EXPECT_THAT(room.DockerLog(), HasSubstr("rm -f gone\n"));
  EXPECT_EQ(room.ContainerState("kubelet"), "");
  EXPECT_EQ(room.ContainerState("etcd"), "stopped no");
}

TEST_F(NodeScript, DoesNothingWhereAToolOfItsGatesIsMissing) {
  RestoredBeside();
  room.Before("mount -t tmpfs none /etc/alternatives");  // takes awk away
  me = room.As("me");
  const Status refused = me->MoveOldDataAside({});
  EXPECT_EQ(ReasonOf(refused), "ToolMissing");
  EXPECT_EQ(refused.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(refused.error().message, HasSubstr("awk"));
  EXPECT_FALSE(me->Look({}, {}));
  EXPECT_EQ(Member(), "old");
}

TEST_F(NodeScript, RefusesHostileArguments) {
  for (const char* run : {"../../etc", "a b", "$(reboot)", ".hidden", "", "a/b", "a;b"}) {
    SCOPED_TRACE(run);
    const std::string before = room.Everything();
    EXPECT_EQ(ReasonOf(room.As("me", run)->MoveOldDataAside({})), "BadArgument");
    EXPECT_EQ(room.Everything(), before);
  }
  const auto relative = MakeScriptMachine(room.Shell(), "n1", {"me", "prod"}, {"r1-1", "etc"});
  EXPECT_EQ(ReasonOf(relative->MoveOldDataAside({})), "BadArgument");
}

TEST_F(NodeScript, ReadsHostileNamesAsText) {
  EXPECT_TRUE(me->SetPolicies({}, {{"x;touch${IFS}/opt/rke/pwned", "no"}}));
  EXPECT_TRUE(me->Stop({}, {"$(touch${IFS}/opt/rke/pwned)", "`touch /opt/rke/pwned`"}));
  EXPECT_FALSE(room.Exists("/opt/rke/pwned"));
}

}  // namespace
}  // namespace etcdrestore
