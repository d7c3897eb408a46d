// The laws: what must hold after every change of the world, whoever made it.
#include <fmt/format.h>

#include <algorithm>

#include "reconcilers/restore/judges.h"
#include "tests/fakes/fake_world.h"

namespace etcdrestore::fakes {
namespace {

bool Runs(const FakeNode& node, const std::string& name) {
  const auto found = node.containers.find(name);
  return found != node.containers.end() && found->second.running;
}

}  // namespace

void FakeWorld::Blame(const std::string& law, const std::string& after) {
  violations_.push_back("after '" + after + "': " + law);
}

void FakeWorld::Check(const std::string& after) {
  bool untouched = true;
  bool all_fresh = true;
  std::set<std::string> contents;
  for (const auto& [name, node] : nodes) {
    if (!node.target.etcd) continue;
    const bool fresh = node.member && node.member->run == target_.run;
    all_fresh = all_fresh && fresh;
    untouched = untouched && !fresh;
    if (old_.contains(name)) untouched = untouched && node.member == old_.at(name);
    if (fresh)
      contents.insert(etcd_differs.contains(name) ? etcd_differs.at(name) : node.member->content);
  }
  for (const auto& [name, node] : nodes) {
    CheckContainers(node, untouched, all_fresh, after);
    if (contents.size() > 1 && Runs(node, "kube-apiserver"))
      Blame("an API server runs on " + name + " while members differ", after);
  }
  CheckOldData(after);
}

void FakeWorld::CheckContainers(const FakeNode& node, bool untouched, bool all_fresh,
                                const std::string& after) {
  const std::string& name = node.target.name;
  const bool whole = untouched || all_fresh;
  if (Runs(node, "etcd")) {
    if (!node.member) Blame("etcd runs on " + name + " without data: an empty cluster", after);
    if (!whole) Blame("etcd runs on " + name + " while data is moved", after);
  }
  for (const char* writer :
       {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd-rolling-snapshots"}) {
    if (!whole && Runs(node, writer))
      Blame(fmt::format("{} runs on {} while data is moved", writer, name), after);
  }
  const auto etcd = node.containers.find("etcd");
  if (!whole && etcd != node.containers.end() && etcd->second.policy != "no")
    Blame("docker would start etcd on " + name + " while data is moved", after);
}

void FakeWorld::CheckOldData(const std::string& after) {
  for (const auto& [name, old] : old_) {
    const FakeNode& node = nodes.at(name);
    const bool kept =
        std::any_of(node.runs.begin(), node.runs.end(),
                    [&old = old](const auto& entry) { return entry.second.kept == old; });
    if (node.member != old && !kept) Blame("the old data of " + name + " is lost", after);
  }
  for (const auto& [name, started] : foreign_) {
    // Unless it was asked for in so many words.
    if (target_.object.spec.clean.all_containers && IsCleaned(target_, nodes.at(name).target))
      continue;
    const auto& containers = nodes.at(name).containers;
    const auto found = containers.find("backup-agent");
    if (found == containers.end() || !found->second.running ||
        found->second.started_at != started || found->second.policy != "always")
      Blame("a container that is not the cluster's was touched on " + name, after);
  }
}

}  // namespace etcdrestore::fakes
