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

/// An object of events.k8s.io/v1 about one EtcdRestore. Pure.
KubeObject MakeEvent(const EtcdRestore& object, const EventNote& note, const std::string& instance,
                     SystemTime now);

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

/// Writes Events in a thread of its own, what is said again as a series; drops them rather than
/// wait. Thread safe.
class EventRecorder {
 public:
  EventRecorder(KubeApi& api, const Clock& clock, std::string instance);
  void Record(const EtcdRestore& object, const EventNote& note);

 private:
  void Loop(const std::stop_token& stop);
  void Enqueue(std::optional<KubeWrite> write, const std::string& uid);

  KubeApi& api_;
  const Clock& clock_;
  std::string instance_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<KubeWrite> waiting_;
  EventBudget budget_;
  EventSeries series_;
  std::jthread thread_;
};

}  // namespace etcdrestore
