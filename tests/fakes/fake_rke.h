#pragma once

#include <string>

#include "tests/fakes/fake_world.h"

namespace etcdrestore::fakes {

/// `rke up` on the world: makes the role containers that are missing, starts those that are there,
/// deploys certificates, registers Nodes; node by node, so that it can be killed between them.
class FakeRebuilder final : public ClusterRebuilder {
 public:
  FakeRebuilder(FakeWorld& world, const Target& target, std::string ca_pem)
      : world_(world), target_(target), ca_pem_(std::move(ca_pem)) {}
  Result<std::string> Version(const Call& call) override;
  Result<RkeResult> Up(const Call& call, const std::string& config_path,
                       const std::function<void(const std::string&)>& line,
                       const std::function<Status()>& alive) override;

  int ups = 0;                 ///< how often it was called
  std::string state_at_start;  ///< text of cluster.rkestate that it found, last time

 private:
  Status OnNode(const TargetNode& node, const std::vector<std::string>& names);

  FakeWorld& world_;
  const Target& target_;
  std::string ca_pem_;
};

class FakeClusterApi final : public ClusterApi {
 public:
  explicit FakeClusterApi(FakeWorld& world) : world_(world) {}
  Status DeleteNode(const Call& call, const std::string& kubeconfig,
                    const std::string& name) override;

 private:
  FakeWorld& world_;
};

}  // namespace etcdrestore::fakes
