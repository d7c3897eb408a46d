#include "tests/bench/operator_bench_objects.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr int kThreads = 8;

void Check(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  std::exit(1);
}

KubeObject Restore(const std::string& name) {
  KubeObject object = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", name}, {"namespace", "recovery"}}},
      {"spec",
       {{"clusterName", name},
        {"rke", {{"clusterConfig", {{"secretRef", {{"name", name}, {"key", "cluster.yml"}}}}}}},
        {"snapshot", {{"name", "2026-11-22T03:00:00Z_etcd"}}},
        {"runID", "r1"}}}};
  object["spec"]["sources"] = KubeObject::array({KubeObject{{"nodes", KubeObject::object()}}});
  return object;
}

KubeObject Finished() {
  KubeObject conditions = KubeObject::array();
  for (const char* type :
       {"Preflight", "Cleaned", "Fetched", "Restored", "Up", "Restarted", "Succeeded", "Ready"})
    conditions.push_back({{"type", type},
                          {"status", "True"},
                          {"reason", "Observed"},
                          {"message", ""},
                          {"observedGeneration", 1},
                          {"lastTransitionTime", "2026-11-22T03:01:00Z"}});
  return {
      {"observedGeneration", 1},
      {"phase", "Succeeded"},
      {"progress", "6/6"},
      {"runID", "r1"},
      {"startTime", "2026-11-22T03:00:00Z"},
      {"completionTime", "2026-11-22T03:01:00Z"},
      {"snapshot", {{"name", "2026-11-22T03:00:00Z_etcd"}, {"takenAt", "2026-11-22T03:00:00Z"}}},
      {"conditions", conditions}};
}

/// Calls work(i) for 0 <= i < count from a few threads.
void Parallel(int count, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = next++; i < count; i = next++) work(i);
    });
}

}  // namespace

void BenchObjects::Create(const KubeObject& object) {
  const KubeName name{"recovery", object["metadata"]["name"]};
  const auto wrote = api_.Write({}, {KubeVerb::kCreate, kEtcdRestores, name, "", object});
  Check(wrote ? Status() : Status(wrote.error()));
}

void BenchObjects::AddFinished(int count) {
  const int from = made_;
  made_ += count;
  Parallel(count, [&](int i) {
    const std::string name = "done-" + std::to_string(from + i);
    Create(Restore(name));
    const auto wrote = api_.Write(
        {},
        {KubeVerb::kMerge, kEtcdRestores, {"recovery", name}, "status", {{"status", Finished()}}});
    Check(wrote ? Status() : Status(wrote.error()));
    if (i > 0) return;
    KubeObject plain = *wrote;
    plain["metadata"].erase("managedFields");
    bytes_ = plain.dump().size();
  });
}

void BenchObjects::AddWaiting(int count) {
  const int from = made_;
  made_ += count;
  Parallel(count, [&](int i) { Create(Restore("waits-" + std::to_string(from + i))); });
}

std::vector<double> BenchObjects::ChangeToStatus(int count) {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Steady::time_point> seen;
  const auto listed = api_.List({}, kEtcdRestores, "recovery", {}, [](KubeObject) {});
  Check(listed ? Status() : Status(listed.error()));
  Call watching;
  std::stop_source stop;
  watching.stop = stop.get_token();
  std::jthread watcher([&] {
    (void)api_.Watch(watching, kEtcdRestores, "recovery", {listed->resource_version, 600s},
                     [&](KubeEvent event) {
                       if (!event.object.contains("status")) return;
                       const std::lock_guard lock(mutex);
                       seen.try_emplace(event.object["metadata"]["name"], Steady::now());
                       changed.notify_all();
                     });
  });
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    KubeObject object = Restore("paused-" + std::to_string(made_++));
    const std::string name = object["metadata"]["name"];
    object["spec"]["paused"] = true;
    const auto start = Steady::now();
    Create(object);
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, 60s, [&] { return seen.contains(name); }))
      Check(Terminal("NoStatus", name + ": no status within a minute"));
    times.push_back(std::chrono::duration<double>(seen[name] - start).count());
  }
  stop.request_stop();
  return times;
}

void BenchObjects::Delete(const std::string& prefix) {
  std::vector<std::string> names;
  const auto listed = api_.List({}, kEtcdRestores, "recovery", {}, [&](const KubeObject& object) {
    const std::string name = object["metadata"]["name"];
    if (name.starts_with(prefix)) names.push_back(name);
  });
  Check(listed ? Status() : Status(listed.error()));
  Parallel(static_cast<int>(names.size()), [&](int i) {
    const KubeName name{"recovery", names[static_cast<std::size_t>(i)]};
    const auto gone = api_.Write({}, {KubeVerb::kDelete, kEtcdRestores, name, "", {}});
    Check(gone ? Status() : Status(gone.error()));
  });
}

void BenchObjects::ClearPaused() { Delete("paused-"); }
void BenchObjects::Clear() { Delete(""); }

}  // namespace etcdrestore::testing
