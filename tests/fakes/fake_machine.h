#pragma once

#include <memory>
#include <string>

#include "tests/fakes/fake_world.h"

namespace etcdrestore::fakes {

/// One machine of the world as one operator process sees it, with the refusals of the node script:
/// nothing changes for anyone but the holder, data moves only under a stopped etcd with policy
/// `no`, a staged file is verified before it gets its name.
class FakeMachine final : public Machine {
 public:
  FakeMachine(FakeWorld& world, std::string node, Holder holder, std::string run)
      : world_(world), name_(std::move(node)), holder_(std::move(holder)), run_(std::move(run)) {}

  Result<NodeFacts> Look(const Call& call, const LookOptions& options) override;
  Status Take(const Call& call, const std::vector<std::string>& may_replace) override;
  Status Renew(const Call& call) override;
  Status Release(const Call& call) override;
  Status WriteReceipt(const Call& call, const Receipt& receipt) override;
  Status FetchSnapshot(const Call& call, const Secret& url, std::uint64_t size,
                       const std::string& sha256) override;
  Status PutSnapshot(const Call& call, ByteSource bytes, std::uint64_t size,
                     const std::string& sha256) override;
  Result<RestoredDb> RestoreBeside(const Call& call, const EtcdRestoreArgs& args) override;
  Status SetPolicies(const Call& call, const std::map<std::string, std::string>& policies) override;
  Status Stop(const Call& call, const std::vector<std::string>& names) override;
  Status Start(const Call& call, const std::vector<std::string>& names) override;
  Status Restart(const Call& call, const std::vector<std::string>& names) override;
  Status MoveOldDataAside(const Call& call) override;
  Status PutNewDataInPlace(const Call& call) override;
  Status RemoveContainers(const Call& call, const std::vector<std::string>& names,
                          bool volumes) override;
  Status Purge(const Call& call, const OldDataDue& due) override;
  Status DeletePods(const Call& call, const std::vector<std::string>& names) override;
  Status CleanPaths(const Call& call) override;
  Status PullImage(const Call& call, const std::string& image, const Secret& login) override;
  Status SaveImages(const Call& call, const std::vector<std::string>& images,
                    const ByteSink& sink) override;
  Status LoadImages(const Call& call, ByteSource bytes) override;

 private:
  using Change = std::function<Status(FakeNode&, FakeRunFolder&, bool half)>;
  Status Act(const std::string& act, const Change& change);
  Status StartAll(const char* act, const std::vector<std::string>& names, bool restart);

  FakeWorld& world_;
  std::string name_;
  Holder holder_;
  std::string run_;
};

}  // namespace etcdrestore::fakes
