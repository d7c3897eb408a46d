// What is done on nodes beside the walk: bringing images, stopping nodes that are being replaced.
#include <algorithm>
#include <set>
#include <thread>

#include "operator/ports/byte_pipe.h"
#include "reconcilers/cluster/registries.h"
#include "reconcilers/restore/executor.h"

namespace etcdrestore {
namespace {

bool Has(const NodeFacts& facts, const std::string& image) {
  return std::find(facts.images.begin(), facts.images.end(), image) != facts.images.end();
}

/// rke's images, also those from a private registry.
bool IsOfRke(const std::string& image) {
  return image.starts_with("rancher/") || image.find("/rancher/") != std::string::npos;
}

/// rke's images on a node that was part of the cluster: all that a new node needs.
std::set<std::string> ClusterImages(const Target& target, const Observation& seen) {
  std::set<std::string> images;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || node.replacement) continue;
    for (const std::string& image : facts->images) {
      if (IsOfRke(image)) images.insert(image);
    }
  }
  return images;
}

std::vector<std::string> Missing(const TargetNode& node, const NodeFacts& facts,
                                 const std::string& etcd_image, StrategyKind strategy,
                                 const std::set<std::string>& cluster_images) {
  std::vector<std::string> missing;
  if (node.etcd && !etcd_image.empty() && !Has(facts, etcd_image)) missing.push_back(etcd_image);
  if (strategy != StrategyKind::kRebuild || !node.replacement) return missing;
  for (const std::string& image : cluster_images) {
    if (image != etcd_image && !Has(facts, image)) missing.push_back(image);
  }
  return missing;
}

}  // namespace

bool Executor::ProvideImages(const Call& call, const std::string& etcd_image, StrategyKind strategy,
                             const Observation& seen) {
  const std::set<std::string> cluster_images = ClusterImages(deps_.target, seen);
  const auto login = DockerLogin(deps_.target.config, etcd_image);
  bool tried = false;
  for (const TargetNode& node : deps_.target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || !facts->containers) continue;
    std::vector<std::string> missing = Missing(node, *facts, etcd_image, strategy, cluster_images);
    if (missing.empty()) continue;
    tried = true;
    const bool lacks_etcd = missing.front() == etcd_image;
    if (lacks_etcd && login && Pull(call, node, etcd_image, *login, seen))
      missing.erase(missing.begin());
    if (missing.empty() || RelayFromAny(call, node, missing, seen)) continue;
    // No node has it and no registry of cluster.yml: the image's own is what is left.
    if (lacks_etcd && !login) (void)Pull(call, node, etcd_image, Secret("{}"), seen);
  }
  return tried;
}

bool Executor::Pull(const Call& call, const TargetNode& node, const std::string& image,
                    const Secret& login, const Observation& seen) {
  Tell("node " + node.name + " lacks " + image + ", pulling it from " + RegistryOf(image));
  const Status pulled = deps_.crew.Do(call, {node.name}, seen,
                                      [&](const TargetNode&, Machine& machine, const NodeFacts*) {
                                        return machine.PullImage(call, image, login);
                                      });
  if (!pulled) Tell("pulling failed: " + pulled.error().message);
  return pulled.has_value();
}

bool Executor::RelayFromAny(const Call& call, const TargetNode& node,
                            const std::vector<std::string>& images, const Observation& seen) {
  for (const auto& [donor, has] : seen.facts) {
    const bool all = std::all_of(images.begin(), images.end(),
                                 [&has = has](const auto& image) { return Has(has, image); });
    if (donor == node.name || !all) continue;
    Tell("node " + node.name + " lacks " + std::to_string(images.size()) +
         " images, sending them from " + donor);
    const Status sent = Relay(call, donor, node.name, images, seen);
    if (sent) return true;
    Tell("sending images from " + donor + " failed: " + sent.error().message);
  }
  return false;
}

Status Executor::Relay(const Call& call, const std::string& from, const std::string& to,
                       const std::vector<std::string>& images, const Observation& seen) {
  BytePipe pipe;
  Status saved;
  std::jthread saver([&] {
    saved = deps_.crew.Do(call, {from}, seen,
                          [&](const TargetNode&, Machine& machine, const NodeFacts*) {
                            return machine.SaveImages(call, images, pipe.sink());
                          });
    pipe.CloseWriter(saved);
  });
  const Status loaded =
      deps_.crew.Do(call, {to}, seen, [&](const TargetNode&, Machine& machine, const NodeFacts*) {
        return machine.LoadImages(call, pipe.source());
      });
  pipe.CloseReader();
  saver.join();
  return saved ? loaded : saved;
}

/// A dead node that comes back with its old containers would talk to the cluster as one of its own.
/// The one that still answers is stopped; of the other a person is told.
Status Executor::FenceReplaced(const Call& call) {
  const std::map<std::string, std::string> off = {
      {"etcd", "no"},           {"kube-apiserver", "no"}, {"kube-controller-manager", "no"},
      {"kube-scheduler", "no"}, {"kubelet", "no"},        {"kube-proxy", "no"}};
  for (const TargetNode& node : deps_.target.replaced) {
    const Call brief = call.Within(std::chrono::seconds(10));
    auto machine = deps_.connect_replaced(brief, node);
    if (!machine) {
      Tell("replaced node " + node.name +
           " does not answer. Before it comes back, keep it off the network or run on it: docker "
           "update --restart=no $(docker ps -aq); docker stop etcd kube-apiserver kubelet");
      continue;
    }
    const Call one = call.Within(std::chrono::minutes(1));
    if (Status taken = (*machine)->Take(one, {"*"}); !taken) return taken;
    if (Status set = (*machine)->SetPolicies(one, off); !set) return set;
    if (Status stopped =
            (*machine)->Stop(one, {"kubelet", "kube-controller-manager", "kube-scheduler",
                                   "kube-apiserver", "etcd", "kube-proxy"});
        !stopped)
      return stopped;
    Tell("replaced node " + node.name +
         " still answers: its kubelet, control plane and etcd are stopped and stay so");
    (void)(*machine)->Release(one);
  }
  fenced_ = true;
  return {};
}

}  // namespace etcdrestore
