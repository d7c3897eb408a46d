#pragma once

#include <deque>
#include <mutex>

#include "operator/adapters/metrics/metrics.h"
#include "operator/kubernetes/controller.h"

namespace etcdrestore {

/// Every metric that the operator has.
const std::vector<MetricSpec>& MetricTable();

/// The numbers of the operator; known series exist at zero from the start. Thread safe.
class OperatorMetrics final : public ControllerObserver {
 public:
  OperatorMetrics(const std::string& version, const std::string& lease, int workers);

  void OnTaken(double waited_seconds) override;
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
  /// What the queue tells when it is asked; its sums become counters.
  void OnQueue(const QueueNumbers& numbers);
  [[nodiscard]] std::string Text() const { return metrics_.Text(); }

 private:
  Metrics metrics_;
  const std::string lease_;
  std::mutex mutex_;            ///< guards the two below
  QueueNumbers queue_;          ///< as it was at the last scrape
  std::deque<KubeName> ended_;  ///< objects at their end, oldest first; their series are bounded
};

}  // namespace etcdrestore
