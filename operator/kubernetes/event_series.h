#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/ports/kube.h"

namespace etcdrestore {

/// Events that say the same of one object become one Event with a count. Pure; one thread.
///
/// The first is written as it is; the second gives it a series; further ones are counted here and
/// written every half hour and when the series has been quiet for six minutes, as the recorders of
/// events.k8s.io do. The note is that of the first. What was not written is to be forgotten, or its
/// series would be added to an Event that is not there.
class EventSeries {
 public:
  /// What is to be written now for this Event, if anything: it is made, or its series changed.
  std::optional<KubeWrite> Take(const KubeObject& event, SystemTime now);
  /// The last counts of series that have been quiet; those are forgotten.
  std::vector<KubeWrite> TakeQuiet(SystemTime now);
  /// The last counts of all; nothing is remembered.
  std::vector<KubeWrite> TakeRest(SystemTime now);
  /// The Event of that name was not made, or is there no more: said again it is a new one.
  void Forget(const KubeName& event);
  [[nodiscard]] std::size_t size() const { return series_.size(); }

 private:
  struct Series {
    KubeName name;  ///< of the Event object
    int count = 1;
    int written = 1;
    SystemTime last{};
    SystemTime written_at{};
  };
  static KubeWrite Patch(Series& series, SystemTime now);

  std::map<std::string, Series> series_;
};

}  // namespace etcdrestore
