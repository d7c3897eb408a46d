#pragma once

#include <string>
#include <vector>

#include "reconcilers/restore/judges.h"
#include "tests/fakes/rig.h"

namespace etcdrestore {

/// A view of a cluster where every goal of an InPlace run is met; tests spoil one fact.
struct View {
  explicit View(const char* patch = "{}");  ///< merged into spec, as JSON text
  NodeFacts& At(const std::string& node) { return seen.facts.at(node); }
  ContainerFacts& Container(const std::string& node, const std::string& name);
  void NetworkPod(const etcdrestore::NetworkPod& pod);  ///< every API server tells of it
  void Remove(const std::string& node, const std::string& name);
  [[nodiscard]] RunView operator()() const {
    return {target, plan, seen, &previous, fenced, rke_up};
  }

  Target target;
  RunPlan plan;
  Observation seen;
  Observation previous;
  bool fenced = true;
  bool rke_up = true;
};

/// A kube-ca that is no cluster's of these tests.
extern const char* const kOtherCa;

/// "done", "todo n1 n2", "refused Reason".
std::string Said(const Judgement& judgement);

}  // namespace etcdrestore
