#pragma once

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "operator/adapters/metrics/metrics.h"
#include "operator/kubernetes/controller.h"

namespace etcdrestore {

/// Every metric that the operator has.
const std::vector<MetricSpec>& MetricTable();

/// The numbers of the operator; known series exist at zero from the start. Thread safe.
class OperatorMetrics final : public ControllerObserver {
 public:
  OperatorMetrics(const std::string& version, std::string lease, int workers);

  void OnTaken(SteadyTime added, SteadyTime now) override;
  void OnReconciled(const char* result, double seconds) override;
  void OnTerminalError() override;
  void OnPanic() override;
  void OnStatus(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnRunEnded(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnGone(const KubeName& name) override;

  void OnRequest(const std::string& host, const std::string& code, const std::string& method,
                 double seconds);
  void OnRetry(const std::string& host, const std::string& code, const std::string& method);
  void OnWatchRestarted(const std::string& reason);
  void OnLeading(bool leads);
  void OnTransition();
  /// What is true at this moment only; the sums of the queue become counters.
  void OnScrape(const QueueNumbers& queue, SteadyTime now);
  [[nodiscard]] std::string Text();

 private:
  void ShowConditions(const MetricLabels& base, const nlohmann::ordered_json& status);
  void ShowSuccess(const std::string& cluster, const nlohmann::ordered_json& status);
  std::string OldestOfTooManyClusters();
  bool Keeps(const KubeName& name, bool ended, const std::string& when);
  struct Seen {
    MetricLabels base;
    nlohmann::ordered_json status;
    Duration limit;  ///< of its phase
  };
  void Show(const Seen& seen);

  Metrics metrics_;
  const std::string lease_;
  std::mutex mutex_;                                  ///< guards what is below
  std::set<std::pair<std::string, KubeName>> ended_;  ///< the newest at their end, by its time
  std::set<KubeName> shown_;                          ///< objects with series
  QueueNumbers queue_;                                ///< as it was at the last scrape
  std::map<KubeName, Seen> unshown_;               ///< at their end, to be shown by the next scrape
  std::map<std::thread::id, SteadyTime> working_;  ///< since when each worker is at its key
  std::map<std::string, double> last_success_;     ///< by cluster
};

}  // namespace etcdrestore
