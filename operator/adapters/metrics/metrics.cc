#include "operator/adapters/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

namespace etcdrestore {
namespace {

template <typename T>
struct Named {
  prometheus::Family<T>* family = nullptr;
  std::map<MetricLabels, T*> series;
};

[[noreturn]] void NoSuchMetric(const std::string& name) {
  std::fprintf(stderr, "broken invariant: no metric %s in the table\n", name.c_str());
  std::abort();
}

/// The series with these labels, made when it is new; `bounds` are a histogram's.
template <typename T, typename... Bounds>
T& SeriesOf(std::map<std::string, Named<T>>& all, const std::string& metric,
            const MetricLabels& labels, const Bounds&... bounds) {
  const auto found = all.find(metric);
  if (found == all.end()) NoSuchMetric(metric);
  auto& series = found->second.series[labels];
  if (series == nullptr) series = &found->second.family->Add(labels, bounds...);
  return *series;
}

/// One family, as a serializer wants it.
std::vector<prometheus::MetricFamily> MomentOf(const MetricSpec& spec, const MomentTeller& tell) {
  std::vector<prometheus::MetricFamily> family{
      {spec.name, spec.help, prometheus::MetricType::Gauge, {}}};
  tell(spec.name, [&family](const MetricLabels& labels, double value) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    metric.gauge.value = value;
    family.front().metric.push_back(std::move(metric));
  });
  return family;
}

/// prometheus-cpp has no collector for the process.
struct ProcessNumbers {
  double cpu_seconds = 0, resident = 0, virtual_size = 0, open_fds = 0, max_fds = 0, start = 0;
};

ProcessNumbers ReadProcess() {
  ProcessNumbers out;
  std::ifstream stat("/proc/self/stat");
  std::string text;
  std::getline(stat, text);
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::vector<double> number;
  std::string word;
  for (fields >> word; fields >> word;) number.push_back(std::atof(word.c_str()));
  if (number.size() < 21) return out;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  out.cpu_seconds = (number[10] + number[11]) / ticks;
  out.virtual_size = number[19];
  out.resident = number[20] * static_cast<double>(::sysconf(_SC_PAGESIZE));
  std::ifstream boot("/proc/stat");
  for (std::string line; std::getline(boot, line);) {
    if (line.starts_with("btime ")) out.start = std::atof(line.c_str() + 6) + number[18] / ticks;
  }
  std::error_code failure;
  for (std::filesystem::directory_iterator fd("/proc/self/fd", failure), end; fd != end; ++fd)
    out.open_fds += 1;
  out.max_fds = static_cast<double>(::sysconf(_SC_OPEN_MAX));
  return out;
}

}  // namespace

struct Metrics::State {
  std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, Named<prometheus::Counter>> counters;
  std::map<std::string, Named<prometheus::Gauge>> gauges;
  std::map<std::string, Named<prometheus::Histogram>> histograms;
  std::map<std::string, std::vector<double>> buckets;
  std::vector<MetricSpec> moments;

  prometheus::Histogram& HistogramOf(const std::string& histogram, const MetricLabels& labels);
};

Metrics::Metrics(const std::vector<MetricSpec>& table) : state_(std::make_unique<State>()) {
  for (const MetricSpec& one : table) {
    switch (one.kind) {
      case MetricKind::kCounter:
        state_->counters[one.name].family =
            &prometheus::BuildCounter().Name(one.name).Help(one.help).Register(state_->registry);
        break;
      case MetricKind::kGauge:
        state_->gauges[one.name].family =
            &prometheus::BuildGauge().Name(one.name).Help(one.help).Register(state_->registry);
        break;
      case MetricKind::kHistogram:
        state_->histograms[one.name].family =
            &prometheus::BuildHistogram().Name(one.name).Help(one.help).Register(state_->registry);
        state_->buckets[one.name] = one.buckets;
        break;
      case MetricKind::kMoment:
        state_->moments.push_back(one);
        break;
    }
  }
}

Metrics::~Metrics() = default;

void Metrics::Add(const std::string& counter, const MetricLabels& labels, double by) {
  const std::lock_guard lock(state_->mutex);
  SeriesOf(state_->counters, counter, labels).Increment(by);
}

void Metrics::Set(const std::string& gauge, const MetricLabels& labels, double value) {
  const std::lock_guard lock(state_->mutex);
  SeriesOf(state_->gauges, gauge, labels).Set(value);
}

prometheus::Histogram& Metrics::State::HistogramOf(const std::string& histogram,
                                                   const MetricLabels& labels) {
  const auto bounds = buckets.find(histogram);
  if (bounds == buckets.end()) NoSuchMetric(histogram);
  return SeriesOf(histograms, histogram, labels, bounds->second);
}

void Metrics::Observe(const std::string& histogram, const MetricLabels& labels, double value) {
  const std::lock_guard lock(state_->mutex);
  state_->HistogramOf(histogram, labels).Observe(value);
}

void Metrics::Expect(const std::string& histogram, const MetricLabels& labels) {
  const std::lock_guard lock(state_->mutex);
  (void)state_->HistogramOf(histogram, labels);
}

std::string Metrics::Text(const MomentTeller& tell) const {
  std::ostringstream out;
  const prometheus::TextSerializer serializer;
  {
    const std::lock_guard lock(state_->mutex);
    serializer.Serialize(out, state_->registry.Collect());
  }
  // One after the other: together they would be the largest thing that an idle operator holds.
  for (const MetricSpec& spec : state_->moments) {
    if (!tell) break;
    const auto family = MomentOf(spec, tell);
    if (!family.front().metric.empty()) serializer.Serialize(out, family);
  }
  const ProcessNumbers process = ReadProcess();
  const auto add = [&](const char* name, const char* kind, const char* help, double value) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << kind << '\n'
        << name << ' ' << std::fixed << value << '\n';
  };
  add("process_cpu_seconds_total", "counter", "CPU time used in seconds.", process.cpu_seconds);
  add("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", process.resident);
  add("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", process.virtual_size);
  add("process_open_fds", "gauge", "Open file descriptors.", process.open_fds);
  add("process_max_fds", "gauge", "Most file descriptors that it may open.", process.max_fds);
  add("process_start_time_seconds", "gauge", "Start of the process, Unix time.", process.start);
  return out.str();
}

}  // namespace etcdrestore
