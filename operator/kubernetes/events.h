#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "crds/etcd_restore.h"
#include "operator/kubernetes/event_series.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

struct EventNote {
  bool warning = false;
  std::string reason;  ///< unique, CamelCase
  std::string action;
  std::string note;
};

/// Said of the Lease, in the words of Kubernetes' own clients.
EventNote LeadershipNote(const std::string& identity, bool leads);

/// What an Event is about, as its `regarding` has it.
KubeObject Regarding(const EtcdRestore& object);
/// Of an object as the API has it.
KubeObject Regarding(const KubeObject& object);

/// An object of events.k8s.io/v1. Pure.
KubeObject MakeEvent(const KubeObject& regarding, const EventNote& note,
                     const std::string& instance, SystemTime now);

/// 25 at once, then one every five minutes, for each object. Pure; one thread.
class EventBudget {
 public:
  bool Allow(const std::string& uid, SteadyTime now);

 private:
  struct Bucket {
    double tokens = 25;
    SteadyTime filled{};
  };
  std::map<std::string, Bucket> buckets_;
};

/// How often the server is asked to take an Event, and how long it is left alone in between.
struct EventTries {
  int most = 12;
  Duration pause = std::chrono::seconds(10);
};

/// Writes Events in a thread of its own, what is said again as a series, and again where the server
/// may take them later; drops them rather than let anybody wait. Borrows API and clock. Thread
/// safe.
class EventRecorder {
 public:
  EventRecorder(KubeApi& api, const Clock& clock, std::string instance, EventTries tries = {});
  void Record(const EtcdRestore& object, const EventNote& note) {
    RecordAbout(Regarding(object), note);
  }
  void RecordAbout(const KubeObject& regarding, const EventNote& note);
  /// Returns when all that was recorded is written, the last counts of series too, or after
  /// `limit`. Each is tried once more only. To be called when nothing more will be recorded.
  void Flush(Duration limit);

 private:
  struct Waiting {
    KubeWrite write;
    int tries = 0;
  };
  void Loop(const std::stop_token& stop);
  /// Unlocks while it asks the server.
  void WriteFirst(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void Enqueue(KubeWrite write, const std::string& uid);

  KubeApi& api_;
  const Clock& clock_;
  const std::string instance_;
  const EventTries tries_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable_any empty_;
  std::deque<Waiting> waiting_;  ///< the first stays in while it is written
  bool flushing_ = false;
  EventBudget budget_;
  EventSeries series_;
  std::jthread thread_;
};

}  // namespace etcdrestore
