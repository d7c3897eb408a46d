#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace etcdrestore {

using MetricLabels = std::map<std::string, std::string>;

enum class MetricKind { kCounter, kGauge, kHistogram };
struct MetricSpec {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::kGauge;
  std::vector<double> buckets = {};  ///< of a histogram
};

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
  /// Removes every series that has all of these labels, of one metric or of all.
  void Drop(const MetricLabels& having, const std::string& metric = "");

  /// Text format 0.0.4, with what the kernel says of this process.
  [[nodiscard]] std::string Text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace etcdrestore
