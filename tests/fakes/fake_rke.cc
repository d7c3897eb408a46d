#include "tests/fakes/fake_rke.h"

#include "operator/base/files.h"

namespace etcdrestore::fakes {

Result<std::string> FakeRebuilder::Version(const Call& /*call*/) { return std::string("v1.8.0"); }

Status FakeRebuilder::OnNode(const TargetNode& node, const std::vector<std::string>& names) {
  std::string act = "rke up";
  for (const std::string& name : names) act += " " + name;
  return world_.Change(node.name, act, [&](FakeNode& machine, bool half) {
    for (const std::string& name : names) {
      if (machine.containers.contains(name)) {
        world_.StartContainer(machine, name, false);
      } else {
        world_.CreateContainer(machine, name, "always");
      }
      if (half) return Status();
    }
    machine.ca_pem = ca_pem_;
    machine.left_paths = {"/etc/kubernetes/ssl", "/etc/cni"};
    if (machine.containers.contains("kubelet")) world_.kube_nodes.insert(node.name);
    return Status();
  });
}

Result<RkeResult> FakeRebuilder::Up(const Call& /*call*/, const std::string& config_path,
                                    const std::function<void(const std::string&)>& line,
                                    const std::function<Status()>& alive) {
  ++ups;
  const std::string folder = config_path.substr(0, config_path.rfind('/'));
  state_at_start = ReadFile(folder + "/cluster.rkestate").value_or("");
  if (Status held = alive(); !held) return held.error();
  line("Initiating Kubernetes cluster");
  const auto on = [&](bool wanted, const TargetNode& node,
                      const std::vector<std::string>& names) -> Status {
    return wanted ? OnNode(node, names) : Status();
  };
  for (const TargetNode& node : target_.nodes) {
    if (Status up = on(node.etcd, node, {"etcd", "etcd-rolling-snapshots"}); !up) return up.error();
  }
  for (const TargetNode& node : target_.nodes) {
    const Status up = on(node.controlplane, node,
                         {"kube-apiserver", "kube-controller-manager", "kube-scheduler"});
    if (!up) return up.error();
  }
  for (const TargetNode& node : target_.nodes) {
    if (Status up = on(true, node, {"kubelet", "kube-proxy"}); !up) return up.error();
  }
  const Status end = world_.Change(target_.nodes.front().name, "rke up finished",
                                   [](FakeNode&, bool) { return Status(); });
  if (!end) return end.error();
  return RkeResult{true, folder + "/up.log", "Finished building Kubernetes cluster successfully"};
}

Status FakeClusterApi::DeleteNode(const Call& /*call*/, const std::string& /*kubeconfig*/,
                                  const std::string& name) {
  return world_.Change(world_.nodes.begin()->first, "delete node " + name,
                       [&](FakeNode&, bool half) {
                         if (!half) world_.kube_nodes.erase(name);
                         return Status();
                       });
}

}  // namespace etcdrestore::fakes
