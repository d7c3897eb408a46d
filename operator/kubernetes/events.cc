#include "operator/kubernetes/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "operator/runtime/leader.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostWaiting = 1000;
constexpr std::size_t kMostBuckets = 4096;
constexpr auto kLookForQuiet = 60s;

}  // namespace

KubeObject MakeEvent(const EtcdRestore& object, const EventNote& note, const std::string& instance,
                     SystemTime now) {
  const auto nanos = now.time_since_epoch().count();
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata",
           {{"name", fmt::format("{}.{:x}", object.name.substr(0, 200), nanos)},
            {"namespace", object.name_space}}},
          {"eventTime", MicroTime(now)},
          {"reportingController", "etcdrestore.io/operator"},
          {"reportingInstance", instance.substr(0, 128)},
          {"action", note.action},
          {"reason", note.reason},
          {"type", note.warning ? "Warning" : "Normal"},
          {"regarding",
           {{"apiVersion", "etcdrestore.io/v1alpha1"},
            {"kind", "EtcdRestore"},
            {"name", object.name},
            {"namespace", object.name_space},
            {"uid", object.uid}}},
          {"note", note.note.substr(0, 1000)}};
}

bool EventBudget::Allow(const std::string& uid, SteadyTime now) {
  if (buckets_.size() > kMostBuckets) buckets_.clear();
  Bucket& bucket = buckets_.try_emplace(uid, Bucket{25, now}).first->second;
  bucket.tokens = std::min(
      25.0, bucket.tokens + std::chrono::duration<double>(now - bucket.filled).count() / 300);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

EventRecorder::EventRecorder(KubeApi& api, const Clock& clock, std::string instance)
    : api_(api),
      clock_(clock),
      instance_(std::move(instance)),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void EventRecorder::Record(const EtcdRestore& object, const EventNote& note) {
  const SystemTime now = clock_.Now();
  const KubeObject event = MakeEvent(object, note, instance_, now);
  const std::lock_guard lock(mutex_);
  Enqueue(series_.Take(event, now), object.uid);
  wake_.notify_one();
}

/// What the spam limit or a full queue keeps back is lost: an Event is no record.
void EventRecorder::Enqueue(std::optional<KubeWrite> write, const std::string& uid) {
  if (!write || !budget_.Allow(uid, clock_.Steady())) return;
  if (waiting_.size() < kMostWaiting) waiting_.push_back(std::move(*write));
}

void EventRecorder::Loop(const std::stop_token& stop) {
  Call call;
  call.stop = stop;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, kLookForQuiet, [this] { return !waiting_.empty(); });
    for (KubeWrite& last : series_.TakeQuiet(clock_.Now())) waiting_.push_back(std::move(last));
    while (!waiting_.empty() && !stop.stop_requested()) {
      const KubeWrite write = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      (void)api_.Write(call.Within(10s), write);
      lock.lock();
    }
  }
}

}  // namespace etcdrestore
