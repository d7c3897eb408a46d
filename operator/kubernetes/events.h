#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "crds/etcd_restore.h"
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

/// Writes Events in a thread of its own; drops them rather than wait. Thread safe.
class EventRecorder {
 public:
  EventRecorder(KubeApi& api, const Clock& clock, std::string instance);
  void Record(const EtcdRestore& object, const EventNote& note);

 private:
  void Loop(const std::stop_token& stop);

  KubeApi& api_;
  const Clock& clock_;
  std::string instance_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<KubeObject> waiting_;
  EventBudget budget_;
  std::map<std::string, std::string> last_;  ///< uid -> reason and note: not said twice in a row
  std::jthread thread_;
};

}  // namespace etcdrestore
