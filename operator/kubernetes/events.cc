#include "operator/kubernetes/events.h"

#include <fmt/format.h>

#include <algorithm>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostWaiting = 1000;
constexpr std::size_t kMostBuckets = 4096;

}  // namespace

KubeObject MakeEvent(const EtcdRestore& object, const EventNote& note, const std::string& instance,
                     SystemTime now) {
  const auto nanos = now.time_since_epoch().count();
  std::string time = FormatTime(now);
  time.pop_back();
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata",
           {{"name", fmt::format("{}.{:x}", object.name.substr(0, 200), nanos)},
            {"namespace", object.name_space}}},
          {"eventTime", fmt::format("{}.{:06}Z", time, nanos / 1000 % 1'000'000)},
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
  const std::lock_guard lock(mutex_);
  std::string& last = last_[object.uid];
  const std::string said = note.reason + " " + note.note;
  if (last == said || !budget_.Allow(object.uid, clock_.Steady())) return;
  last = said;
  if (last_.size() > kMostBuckets) last_.clear();
  if (waiting_.size() < kMostWaiting)
    waiting_.push_back(MakeEvent(object, note, instance_, clock_.Now()));
  wake_.notify_one();
}

void EventRecorder::Loop(const std::stop_token& stop) {
  Call call;
  call.stop = stop;
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    const KubeObject event = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const KubeName name{event["metadata"]["namespace"], event["metadata"]["name"]};
    (void)api_.Write(call.Within(10s), {KubeVerb::kCreate, kEvents, name, "", event});
    lock.lock();
  }
}

}  // namespace etcdrestore
