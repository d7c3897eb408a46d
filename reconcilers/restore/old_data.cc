#include "reconcilers/restore/old_data.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace etcdrestore {
namespace {

/// "/var/lib/etcd-before-<run>" or "/var/lib/etcd/.before-<run>" -> "<run>"; "" for anything else.
std::string RunOf(const Target& target, const std::string& path) {
  const std::string data = target.config.prefix_path + "/var/lib/etcd";
  for (const std::string& start : {data + "-before-", data + "/.before-"}) {
    if (path.starts_with(start)) return path.substr(start.size());
  }
  return "";
}

bool IsRunName(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](const char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

}  // namespace

double KeepFor(const Target& target) {
  return std::chrono::duration<double>(target.object.spec.clean.keep_old_data_for).count();
}

bool IsKept(const Target& target, const NodeFacts& facts, const std::string& path) {
  if (RunOf(target, path) == target.run) return facts.data.kept_exists;
  const auto& older = facts.data.older_kept;
  return std::find(older.begin(), older.end(), path) != older.end();
}

bool NothingWasMoved(const Target& target, const Observation& seen) {
  const auto etcd = target.EtcdNodes();
  return seen.errors.empty() && std::all_of(etcd.begin(), etcd.end(), [&](const TargetNode* node) {
           const NodeFacts* facts = seen.Of(*node);
           if (facts == nullptr || !facts->data.member_exists || facts->data.kept_exists)
             return false;
           const std::string& made_by = facts->data.member_run;
           const auto& ended = facts->finished_runs;
           return made_by.empty() ||
                  std::any_of(ended.begin(), ended.end(),
                              [&](const FinishedRun& run) { return run.run == made_by; });
         });
}

std::vector<OldDataDue> OldDataToPurge(const Target& target, const NodeFacts& facts) {
  std::vector<OldDataDue> due;
  if (!OfThisRun(target, facts) || facts.receipt->stage != Stage::kFinished) return due;
  const std::string data = target.config.prefix_path + "/var/lib/etcd";
  for (const FinishedRun& run : facts.finished_runs) {
    const bool own = run.run_key == target.run_key;
    const double keep = own ? KeepFor(target) : std::max(KeepFor(target), run.keep_for);
    if (run.finished_at <= 0 || facts.now - run.finished_at < keep) continue;
    const std::array<std::string, 3> paths = {run.old_data_path, data + "-before-" + run.run,
                                              data + "/.before-" + run.run};
    std::vector<std::string> names;
    for (const std::string& path : paths) {
      const std::string name = RunOf(target, path);
      const bool known = std::find(names.begin(), names.end(), name) != names.end();
      if (known || !IsRunName(name) || !IsRunName(run.run) || !IsKept(target, facts, path))
        continue;
      names.push_back(name);
      due.push_back({run.run, name});
    }
  }
  return due;
}

}  // namespace etcdrestore
