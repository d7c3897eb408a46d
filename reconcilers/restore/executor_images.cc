// What is done on nodes beside the walk: bringing images, stopping nodes that are being replaced.
#include <algorithm>
#include <set>
#include <thread>

#include "operator/ports/byte_pipe.h"
#include "reconcilers/restore/executor.h"

namespace etcdrestore {
namespace {

bool Has(const NodeFacts& facts, const std::string& image) {
  return std::find(facts.images.begin(), facts.images.end(), image) != facts.images.end();
}

/// rke's images on a node that was part of the cluster: all that a new node needs.
std::set<std::string> ClusterImages(const Target& target, const Observation& seen) {
  std::set<std::string> images;
  for (const TargetNode& node : target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || node.replacement) continue;
    for (const std::string& image : facts->images) {
      if (image.starts_with("rancher/")) images.insert(image);
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
  bool tried = false;
  for (const TargetNode& node : deps_.target.nodes) {
    const NodeFacts* facts = seen.Of(node);
    if (facts == nullptr || !facts->containers) continue;
    const std::vector<std::string> missing =
        Missing(node, *facts, etcd_image, strategy, cluster_images);
    if (missing.empty()) continue;
    for (const auto& [donor, has] : seen.facts) {
      const bool all =
          std::all_of(missing.begin(), missing.end(),
                      [&has = has](const std::string& image) { return Has(has, image); });
      if (donor == node.name || !all) continue;
      deps_.progress("node " + node.name + " lacks " + std::to_string(missing.size()) +
                     " images, sending them from " + donor);
      tried = true;
      const Status sent = Relay(call, donor, node.name, missing, seen);
      if (sent) break;
      deps_.progress("sending images from " + donor + " failed: " + sent.error().message);
    }
  }
  return tried;
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
      deps_.progress(
          "replaced node " + node.name +
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
    deps_.progress("replaced node " + node.name +
                   " still answers: its kubelet, control plane and etcd are stopped and stay so");
    (void)(*machine)->Release(one);
  }
  fenced_ = true;
  return {};
}

}  // namespace etcdrestore
