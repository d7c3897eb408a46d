#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace etcdrestore {

using MetricLabels = std::map<std::string, std::string>;

enum class MetricKind {
  kCounter,
  kGauge,
  kHistogram,
  kMoment,  ///< a gauge that is not kept: its series are told anew for each scrape
};
struct MetricSpec {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::kGauge;
  std::vector<double> buckets = {};  ///< of a histogram
};

using SeriesSink = std::function<void(const MetricLabels&, double)>;
/// Tells the present series of the kMoment metric of that name.
using MomentTeller = std::function<void(const std::string& metric, const SeriesSink&)>;

/// The numbers of this process in Prometheus' text format. Only names of the table exist; using
/// another one is a defect of ours and aborts. Thread safe.
class Metrics {
 public:
  explicit Metrics(const std::vector<MetricSpec>& table);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void Add(const std::string& counter, const MetricLabels& labels, double by = 1);
  void Set(const std::string& gauge, const MetricLabels& labels, double value);
  void Observe(const std::string& histogram, const MetricLabels& labels, double value);
  /// Makes the series, with nothing observed yet.
  void Expect(const std::string& histogram, const MetricLabels& labels);

  /// Text format 0.0.4, with what the kernel says of this process. A kMoment metric without series
  /// is left out.
  [[nodiscard]] std::string Text(const MomentTeller& tell = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace etcdrestore
