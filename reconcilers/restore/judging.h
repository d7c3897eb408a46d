#pragma once

#include <optional>
#include <string>

#include "reconcilers/restore/steps.h"

namespace etcdrestore {

/// Asks `unmet(node, facts)` on every node that `concerns` names: nullopt when the goal is met
/// there, else what is seen instead. A node that was not seen is unmet, never met.
template <typename Concerns, typename Unmet>
Judgement EachNode(const RunView& view, Concerns concerns, Unmet unmet) {
  Todo todo;
  for (const TargetNode& node : view.target.nodes) {
    if (!concerns(node)) continue;
    const NodeFacts* facts = view.seen.Of(node);
    std::optional<std::string> message = "not seen";
    if (facts != nullptr) message = unmet(node, *facts);
    if (!message) continue;
    todo.nodes.push_back(node.name);
    if (todo.message.empty()) todo.message = node.name + ": " + *message;
  }
  if (todo.nodes.empty()) return Done{};
  return todo;
}

inline bool Everywhere(const TargetNode&) { return true; }
inline bool OnEtcd(const TargetNode& node) { return node.etcd; }
inline bool OnControlPlane(const TargetNode& node) { return node.controlplane; }

}  // namespace etcdrestore
