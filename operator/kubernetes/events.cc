#include "operator/kubernetes/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "operator/kubernetes/name_start.h"
#include "operator/runtime/leader.h"
#include "operator/runtime/object_cache.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostWaiting = 1000;
constexpr std::size_t kMostBuckets = 4096;
constexpr auto kLookForQuiet = 60s;

}  // namespace

/// The action differs: the end within six minutes of the beginning would be a series of it.
EventNote LeadershipNote(const std::string& identity, bool leads) {
  return {false, "LeaderElection", leads ? "Acquire" : "Release",
          identity + (leads ? " became leader" : " stopped leading")};
}

KubeObject Regarding(const EtcdRestore& object) {
  return {{"apiVersion", kEtcdRestores.ApiVersion()},
          {"kind", kEtcdRestores.kind},
          {"name", object.name},
          {"namespace", object.name_space},
          {"uid", object.uid}};
}

KubeObject Regarding(const KubeObject& object) {
  return {{"apiVersion", TextField(object, "apiVersion")},
          {"kind", TextField(object, "kind")},
          {"name", MetaOf(object, "name")},
          {"namespace", MetaOf(object, "namespace")},
          {"uid", MetaOf(object, "uid")}};
}

KubeObject MakeEvent(const KubeObject& regarding, const EventNote& note,
                     const std::string& instance, SystemTime now) {
  const std::string name = regarding["name"];
  const auto nanos = now.time_since_epoch().count();
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata",
           {{"name", fmt::format("{}.{:x}", NameStart(name), nanos)},
            {"namespace", regarding["namespace"]}}},
          {"eventTime", MicroTime(now)},
          {"reportingController", "etcdrestore.io/operator"},
          {"reportingInstance", instance.substr(0, 128)},
          {"action", note.action},
          {"reason", note.reason},
          {"type", note.warning ? "Warning" : "Normal"},
          {"regarding", regarding},
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

EventRecorder::EventRecorder(KubeApi& api, const Clock& clock, std::string instance,
                             EventTries tries)
    : api_(api),
      clock_(clock),
      instance_(std::move(instance)),
      tries_(tries),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void EventRecorder::RecordAbout(const KubeObject& regarding, const EventNote& note) {
  const SystemTime now = clock_.Now();
  const KubeObject event = MakeEvent(regarding, note, instance_, now);
  const std::lock_guard lock(mutex_);
  if (auto write = series_.Take(event, now)) Enqueue(std::move(*write), regarding["uid"]);
}

/// What the spam limit or a full queue keeps back is lost: an Event is no record. A series costs
/// nothing: it is written when it begins, each half hour, and at its end.
void EventRecorder::Enqueue(KubeWrite write, const std::string& uid) {
  const bool made = write.verb != KubeVerb::kCreate;
  if (waiting_.size() >= kMostWaiting || (!made && !budget_.Allow(uid, clock_.Steady())))
    return series_.Forget(write.name);
  waiting_.push_back({std::move(write)});
  wake_.notify_all();
}

void EventRecorder::Flush(Duration limit) {
  std::unique_lock lock(mutex_);
  flushing_ = true;
  for (KubeWrite& last : series_.TakeRest(clock_.Now())) waiting_.push_back({std::move(last)});
  wake_.notify_all();
  empty_.wait_for(lock, limit, [this] { return waiting_.empty(); });
}

void EventRecorder::Loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, kLookForQuiet, [this] { return !waiting_.empty(); });
    for (KubeWrite& last : series_.TakeQuiet(clock_.Now())) waiting_.push_back({std::move(last)});
    while (!waiting_.empty() && !stop.stop_requested()) WriteFirst(lock, stop);
    empty_.notify_all();
  }
}

void EventRecorder::WriteFirst(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  Waiting& first = waiting_.front();
  Call call;
  call.stop = stop;
  lock.unlock();
  const auto wrote = api_.Write(call.Within(10s), first.write);
  lock.lock();
  // One that is there already is ours: the answer to an earlier try was lost.
  const bool there = wrote || wrote.error().reason == "AlreadyExists";
  if (!there && wrote.error().kind == ErrorKind::kTransient && ++first.tries < tries_.most &&
      !flushing_) {
    // The first again, and not the next: a series must not come before its Event.
    wake_.wait_for(lock, stop, tries_.pause, [this] { return flushing_; });
    return;
  }
  if (!there) series_.Forget(first.write.name);
  waiting_.pop_front();
}

}  // namespace etcdrestore
