#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "operator/adapters/metrics/metrics.h"
#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/restore_series.h"

namespace etcdrestore {

/// Every metric that the operator has.
const std::vector<MetricSpec>& MetricTable();

/// The numbers of the operator; known series exist at zero from the start. Thread safe.
class OperatorMetrics final : public ControllerObserver {
 public:
  /// `build`: the labels of etcdrestore_build_info.
  OperatorMetrics(const MetricLabels& build, std::string lease, int workers);

  void OnTaken(SteadyTime added, SteadyTime now) override;
  void OnReconciled(const char* result, double seconds) override;
  void OnTerminalError() override;
  void OnPanic() override;
  void OnStatus(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnRunEnded(const EtcdRestore& object, const nlohmann::ordered_json& status) override;
  void OnGone(const KubeName& name) override;
  void OnAttempt(const std::string& phase, bool well) override;

  void OnCommand(const std::string& phase, const char* result, double seconds) override;
  void OnConnectFailure(const char* reason) override;
  void OnDownloaded(const char* source, std::uint64_t bytes) override;
  void OnBadSnapshot(const char* source) override;

  void OnRequest(const std::string& host, const std::string& code, const std::string& method,
                 double seconds);
  void OnRetry(const std::string& host, const std::string& code, const std::string& method);
  void OnWatchRestarted(const std::string& reason);
  void OnLeading(bool leads);
  /// How often the Lease has changed hands, as the Lease itself counts.
  void OnTransitions(int count);
  /// The files of the metrics' certificate were read, and were of use or not.
  void OnCertificateRead(bool fine);
  /// What is true at this moment only; the sums of the queue become counters.
  void OnScrape(const QueueNumbers& queue, SteadyTime now);
  [[nodiscard]] std::string Text();
  /// Keys that workers have taken.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

 private:
  Metrics metrics_;
  const std::string lease_;
  std::atomic<std::uint64_t> taken_ = 0;
  std::mutex mutex_;  ///< guards what is below
  RestoreSeries series_;
  QueueNumbers queue_;                             ///< as it was at the last scrape
  int transitions_ = 0;                            ///< as the Lease counted them last
  std::map<std::thread::id, SteadyTime> working_;  ///< since when each worker is at its key
};

}  // namespace etcdrestore
