#include "reconcilers/restore/crew.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace etcdrestore {

void InParallel(std::size_t count, const std::function<void(std::size_t)>& job) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 16); ++i) threads.emplace_back(work);
}

Result<NodeFacts> Crew::LookAt(const Call& call, const TargetNode& node,
                               const LookOptions& options) {
  Machine* machine = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = machines_.find(node.name); found != machines_.end())
      machine = found->second.get();
  }
  if (machine == nullptr) {
    auto connected = connect_(call, node);
    if (!connected) return connected.error();
    machine = connected->get();
    const std::lock_guard lock(mutex_);
    machines_[node.name] = std::move(*connected);
  }
  if (auto seen = machine->Looked(options)) return std::move(*seen);
  return machine->Look(call, options);
}

Observation Crew::Look(const Call& call, const LookOptions& options) {
  std::vector<std::optional<Result<NodeFacts>>> results(target_.nodes.size());
  InParallel(results.size(),
             [&](std::size_t i) { results[i] = LookAt(call, target_.nodes[i], options); });
  Observation seen;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string& name = target_.nodes[i].name;
    if (results[i]->has_value()) {
      seen.facts[name] = std::move(**results[i]);
    } else {
      seen.errors.emplace(name, results[i]->error());
    }
  }
  return seen;
}

Status Crew::Do(const Call& call, const std::vector<std::string>& names, const Observation& seen,
                const OneNode& one) {
  std::vector<const TargetNode*> chosen;
  for (const TargetNode& node : target_.nodes) {
    const bool named =
        names.empty() || std::find(names.begin(), names.end(), node.name) != names.end();
    if (named && machines_.contains(node.name)) chosen.push_back(&node);
  }
  std::vector<Status> results(chosen.size());
  InParallel(chosen.size(), [&](std::size_t i) {
    if (const auto over = call.Over()) {
      results[i] = *over;
      return;
    }
    Machine& machine = *machines_.at(chosen[i]->name);
    machine.LookWithActs(with_acts_);
    results[i] = one(*chosen[i], machine, seen.Of(*chosen[i]));
    machine.LookWithActs(std::nullopt);
  });
  std::optional<Error> worst;
  for (const Status& result : results) {
    if (result) continue;
    if (!worst) {
      worst = result.error();
    } else {
      const bool harder =
          worst->kind == ErrorKind::kTransient && result.error().kind == ErrorKind::kTerminal;
      const std::string both = worst->message + "; " + result.error().message;
      if (harder) worst = result.error();
      worst->message = both;
    }
  }
  if (worst) return *worst;
  return {};
}

}  // namespace etcdrestore
