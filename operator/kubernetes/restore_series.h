#pragma once

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "crds/etcd_restore.h"
#include "operator/adapters/metrics/metrics.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// What metrics say of each object and each cluster. Kept small, a few hundred bytes an object, and
/// written out only while somebody scrapes. Of objects at their end the hundred that ended last are
/// kept, of clusters the thousand that were restored last. Pure; one thread.
class RestoreSeries {
 public:
  /// The object's newest status; without a phase it says nothing.
  void Take(const EtcdRestore& object, const nlohmann::ordered_json& status);
  void Forget(const KubeName& name);
  /// The series of one metric of Table.
  void Tell(const std::string& metric, const SeriesSink& sink) const;
  /// The metrics that Tell knows.
  static const std::vector<MetricSpec>& Table();

 private:
  static constexpr std::size_t kConditions = 12;
  struct Shown {
    std::string cluster;
    std::string ended;  ///< RFC 3339; "": not at its end
    std::string_view phase;
    std::array<std::string_view, kConditions> conditions;  ///< "True"…; "": there is none
    std::optional<double> started, completed;              ///< seconds since 1970
    std::optional<double> phase_started;                   ///< while a phase is at work
    double phase_limit = 0;                                ///< seconds
  };
  struct Success {
    double ended = 0;                ///< seconds since 1970
    std::optional<double> taken_at;  ///< of the snapshot
  };
  static Shown Compact(const EtcdRestore& object, const nlohmann::ordered_json& status,
                       const std::string& ended);
  void NoteSuccess(const std::string& cluster, const nlohmann::ordered_json& status);
  static void TellOne(const std::string& metric, const MetricLabels& base, const Shown& shown,
                      const SeriesSink& sink);

  std::map<KubeName, Shown> shown_;
  std::set<std::pair<std::string, KubeName>> ended_;  ///< the newest at their end, by its time
  std::map<std::string, Success> successes_;          ///< by cluster
};

}  // namespace etcdrestore
