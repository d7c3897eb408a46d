#include "tests/fakes/fake_machine.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "operator/base/sha256.h"

namespace etcdrestore::fakes {
namespace {

Status NoEtcd(const FakeNode& node) {
  const auto etcd = node.containers.find("etcd");
  if (etcd == node.containers.end()) return {};
  if (!etcd->second.running && etcd->second.policy == "no") return {};
  return Terminal("EtcdNotStopped", "container etcd is running or would be started");
}

Result<std::string> Drained(const ByteSource& bytes) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto got = bytes(buffer);
    if (!got) return got.error();
    if (*got == 0) return text;
    text.append(buffer.data(), *got);
  }
}

std::string Words(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += " " + name;
  return text;
}

}  // namespace

Result<NodeFacts> FakeMachine::Look(const Call& /*call*/, const LookOptions& options) {
  return world_.Look(name_, run_, options);
}

Status FakeMachine::Act(const std::string& act, const Change& change) {
  return world_.Change(name_, act, [&](FakeNode& node, bool half) -> Status {
    if (node.lock.holder != holder_.id)
      return Terminal("LockLost", "the node is held by '" + node.lock.holder + "'");
    node.lock.renewed = world_.NowOn(node);
    return change(node, node.runs[run_], half);
  });
}

Status FakeMachine::Take(const Call& /*call*/, const std::vector<std::string>& may_replace) {
  return world_.Change(name_, "take", [&](FakeNode& node, bool half) -> Status {
    const std::string& held = node.lock.holder;
    const bool may = std::any_of(may_replace.begin(), may_replace.end(),
                                 [&](const auto& who) { return who == held || who == "*"; });
    const bool fresh = world_.NowOn(node) - node.lock.renewed < 60;
    if (!held.empty() && held != holder_.id && !may && fresh)
      return Terminal("LockedByOther", "held by " + held);
    if (!half) node.lock = {holder_.id, holder_.cluster, world_.NowOn(node)};
    return {};
  });
}

Status FakeMachine::Renew(const Call& /*call*/) {
  return Act("renew", [](FakeNode&, FakeRunFolder&, bool) { return Status(); });
}

Status FakeMachine::Release(const Call& /*call*/) {
  return Act("release", [](FakeNode& node, FakeRunFolder&, bool half) {
    if (!half) node.lock = {};
    return Status();
  });
}

Status FakeMachine::WriteReceipt(const Call& /*call*/, const Receipt& receipt) {
  return Act("receipt " + StageName(receipt.stage),
             [&](FakeNode& node, FakeRunFolder& folder, bool half) {
               // Each record is renamed whole; the archived copy goes first.
               if (receipt.stage == Stage::kFinished)
                 folder.finished = true, folder.record = receipt;
               if (!half) node.receipt = ToJson(receipt).dump();
               return Status();
             });
}

Status FakeMachine::FetchSnapshot(const Call& /*call*/, const Secret& /*url*/,
                                  std::uint64_t /*size*/, const std::string& /*sha256*/) {
  return Transient("DownloadFailed", "nodes of this world reach no store");
}

Status FakeMachine::PutSnapshot(const Call& /*call*/, ByteSource bytes, std::uint64_t size,
                                const std::string& sha256) {
  auto got = Drained(bytes);
  if (!got) return got.error();
  std::string text = std::move(*got);
  return Act("put", [&](FakeNode&, FakeRunFolder& folder, bool half) -> Status {
    if (half) return {};
    if (text.size() != size) return Transient("WrongSize", "wrong size");
    if (HexSha256(text) != sha256) return Terminal("WrongContent", "wrong content");
    folder.staged = std::move(text);
    return {};
  });
}

Result<RestoredDb> FakeMachine::RestoreBeside(const Call& /*call*/, const EtcdRestoreArgs& args) {
  RestoredDb db;
  const Status made =
      Act("restore_beside", [&](FakeNode& node, FakeRunFolder& folder, bool half) -> Status {
        if (half) return {};
        const std::string sha = HexSha256(folder.staged);
        const bool same = folder.restored && folder.restored->db_sha256 == args.db_sha256;
        if (!same) {
          if (folder.staged.empty()) return Transient("RestoreFailed", "no snapshot is staged");
          const std::string content = "snap " + sha.substr(0, 12) + "+" + std::to_string(args.bump);
          folder.restored = FakeMember{run_, content, world_.revisions[sha] + args.bump, args.token,
                                       HexSha256(content + (node.lays_out_differently ? "x" : ""))};
        }
        db = {folder.restored->db_sha256,
              args.with_hash ? HexSha256(folder.restored->content).substr(0, 8) : ""};
        return {};
      });
  if (!made) return made.error();
  return db;
}

Status FakeMachine::SetPolicies(const Call& /*call*/,
                                const std::map<std::string, std::string>& policies) {
  std::vector<std::string> pairs;
  for (const auto& [name, policy] : policies) pairs.push_back(name + "=" + policy);
  return Act("policies" + Words(pairs), [&](FakeNode& node, FakeRunFolder&, bool half) {
    for (const auto& [name, policy] : policies) {
      const auto found = node.containers.find(name);
      if (found != node.containers.end()) found->second.policy = policy;
      if (half) break;
    }
    return Status();
  });
}

Status FakeMachine::Stop(const Call& /*call*/, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  return Act("stop" + Words(names), [&](FakeNode& node, FakeRunFolder&, bool half) {
    for (const std::string& name : names) {
      world_.StopContainer(node, name);
      if (half) break;
    }
    return Status();
  });
}

Status FakeMachine::StartAll(const char* act, const std::vector<std::string>& names, bool restart) {
  if (names.empty()) return {};
  return Act(act + Words(names), [&](FakeNode& node, FakeRunFolder&, bool half) -> Status {
    for (const std::string& name : names) {
      if (!node.containers.contains(name))
        return Transient("DockerFailed", "No such container: " + name);
      // A restart cut in its middle leaves the container stopped.
      if (half && restart) world_.StopContainer(node, name);
      if (half) return {};
      world_.StartContainer(node, name, restart);
    }
    return {};
  });
}

Status FakeMachine::Start(const Call& /*call*/, const std::vector<std::string>& names) {
  return StartAll("start", names, false);
}

Status FakeMachine::Restart(const Call& /*call*/, const std::vector<std::string>& names) {
  return StartAll("restart", names, true);
}

Status FakeMachine::RemoveContainers(const Call& /*call*/, const std::vector<std::string>& names,
                                     bool volumes) {
  if (names.empty()) return {};
  return Act((volumes ? "remove with volumes" : "remove") + Words(names),
             [&](FakeNode& node, FakeRunFolder&, bool half) {
               for (const std::string& name : names) {
                 node.containers.erase(name);
                 if (half) break;
               }
               return Status();
             });
}

Status FakeMachine::MoveOldDataAside(const Call& /*call*/) {
  return Act("move_aside", [&](FakeNode& node, FakeRunFolder& folder, bool half) -> Status {
    if (Status gate = NoEtcd(node); !gate) return gate;
    if (node.member && node.member->run != run_) {
      if (folder.kept) return Terminal("OldDataInTheWay", "both hold data");
      folder.kept_exists = true;
      if (half) return {};  // the folder was made, the rename did not happen
      folder.kept = std::exchange(node.member, std::nullopt);
    }
    folder.kept_exists = true;
    return {};
  });
}

Status FakeMachine::PutNewDataInPlace(const Call& /*call*/) {
  return Act("put_in_place", [&](FakeNode& node, FakeRunFolder& folder, bool half) -> Status {
    if (Status gate = NoEtcd(node); !gate) return gate;
    if (node.member && node.member->run == run_) return {};
    if (node.member) return Terminal("OldDataInTheWay", "old data is there again");
    if (!folder.restored) return Terminal("NewDataMissing", "the restored member is gone");
    if (!half) node.member = std::exchange(folder.restored, std::nullopt);
    return {};
  });
}

Status FakeMachine::CleanPaths(const Call& /*call*/) {
  return Act("clean_paths", [](FakeNode& node, FakeRunFolder&, bool half) {
    while (!node.left_paths.empty()) {
      node.copied_paths.insert(*node.left_paths.begin());
      if (*node.left_paths.begin() == "/etc/kubernetes/ssl") node.ca_pem.clear();
      node.left_paths.erase(node.left_paths.begin());
      if (half) break;
    }
    return Status();
  });
}

Status FakeMachine::Purge(const Call& /*call*/, const OldDataDue& due) {
  return Act("purge " + due.run + " " + due.kept,
             [&](FakeNode& node, FakeRunFolder&, bool half) -> Status {
               if (!node.runs[due.run].finished) return Terminal("NotFinished", due.run);
               if (half) return {};
               node.runs[due.kept].kept.reset();
               node.runs[due.kept].kept_exists = false;
               world_.MayLose(node.target.name);
               return {};
             });
}

Status FakeMachine::DeletePods(const Call& /*call*/, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  return Act("delete_pods" + Words(names), [&](FakeNode&, FakeRunFolder&, bool half) {
    for (const std::string& name : names) {
      world_.ReplacePod(name);
      if (half) break;
    }
    return Status();
  });
}

Status FakeMachine::PullImage(const Call& /*call*/, const std::string& image, const Secret& login) {
  return Act("pull " + image, [&](FakeNode& node, FakeRunFolder&, bool half) -> Status {
    const auto wanted = world_.registry.find(image);
    if (wanted == world_.registry.end() || wanted->second != login.Reveal())
      return Transient("PullFailed", "manifest unknown or access denied");
    if (!half) node.images.push_back(image);
    return {};
  });
}

Status FakeMachine::SaveImages(const Call& /*call*/, const std::vector<std::string>& images,
                               const ByteSink& sink) {
  for (const std::string& image : images) {
    if (Status sent = sink(image + "\n"); !sent) return sent;
  }
  return {};
}

Status FakeMachine::LoadImages(const Call& /*call*/, ByteSource bytes) {
  const auto text = Drained(bytes);
  if (!text) return text.error();
  return world_.Change(name_, "load images", [&](FakeNode& node, bool half) {
    std::istringstream lines(*text);
    for (std::string image; !half && std::getline(lines, image);) node.images.push_back(image);
    return Status();
  });
}

}  // namespace etcdrestore::fakes
