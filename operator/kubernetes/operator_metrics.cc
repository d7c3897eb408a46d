#include "operator/kubernetes/operator_metrics.h"

#include <algorithm>
#include <array>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kRunPhases = {"Preflight", "Cleaned", "Fetched",
                                   "Restored",  "Up",      "Restarted"};
const std::vector<double> kReconcileBuckets = {
    .005, .01, .025, .05, .1,  .15, .2,  .25, .3, .35, .4, .45, .5, .6, .7, .8, .9, 1,  1.25, 1.5,
    1.75, 2,   2.5,  3,   3.5, 4,   4.5, 5,   6,  7,   8,  9,   10, 15, 20, 25, 30, 40, 50,   60};
const std::vector<double> kQueueBuckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                           1e-2, 1e-1, 1,    10,   100,  1000};
const std::vector<double> kRequestBuckets = {.005, .025, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60};
const std::vector<double> kCommandBuckets = {.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120};
const std::vector<double> kPhaseBuckets = {1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600};

double Seconds(const std::string& time) {
  const auto parsed = ParseTime(time);
  return parsed ? std::chrono::duration<double>(parsed->time_since_epoch()).count() : 0;
}

const char* ResultWord(bool well) { return well ? "succeeded" : "failed"; }

}  // namespace

const std::vector<MetricSpec>& MetricTable() {
  using enum MetricKind;
  static const std::vector<MetricSpec> own = {
      {"controller_runtime_reconcile_total", "Reconciliations by result.", kCounter},
      {"controller_runtime_reconcile_errors_total", "Reconciliations that are tried again.",
       kCounter},
      {"controller_runtime_terminal_reconcile_errors_total",
       "Reconciliations that no repetition mends.", kCounter},
      {"controller_runtime_reconcile_panics_total", "Exceptions that nobody expected.", kCounter},
      {"controller_runtime_reconcile_timeouts_total",
       "Always 0: the phases have time limits of their own.", kCounter},
      {"controller_runtime_reconcile_time_seconds",
       "Time of a reconciliation, a whole run included.", kHistogram, kReconcileBuckets},
      {"controller_runtime_max_concurrent_reconciles", "Workers.", kGauge},
      {"controller_runtime_active_workers", "Workers that are at a key.", kGauge},
      {"workqueue_depth", "Keys that wait.", kGauge},
      {"workqueue_adds_total", "Keys that came to wait.", kCounter},
      {"workqueue_retries_total", "Keys that were to come again later.", kCounter},
      {"workqueue_queue_duration_seconds", "Time that a key waited.", kHistogram, kQueueBuckets},
      {"workqueue_work_duration_seconds", "Time that a worker was at a key.", kHistogram,
       kQueueBuckets},
      {"workqueue_unfinished_work_seconds", "Sum of how long the present work takes.", kGauge},
      {"workqueue_longest_running_processor_seconds", "Longest of the present work.", kGauge},
      {"rest_client_requests_total", "Requests to the API server.", kCounter},
      {"rest_client_request_duration_seconds", "Time of a request to the API server.", kHistogram,
       kRequestBuckets},
      {"rest_client_request_retries_total", "Requests that were sent again.", kCounter},
      {"leader_election_master_status", "1 while this process leads.", kGauge},
      {"certwatcher_read_certificate_total", "Reads of the metrics' certificate.", kCounter},
      {"certwatcher_read_certificate_errors_total",
       "Reads after which the older one was kept, since the files were of no use.", kCounter},
      {"etcdrestore_build_info", "Always 1.", kGauge},
      {"etcdrestore_restores_total", "Runs that ended, by result.", kCounter},
      {"etcdrestore_phase_duration_seconds", "Time that a phase took.", kHistogram, kPhaseBuckets},
      {"etcdrestore_phase_attempts_total", "Attempts at a phase that ended.", kCounter},
      {"etcdrestore_ssh_commands_total", "Commands on nodes.", kCounter},
      {"etcdrestore_ssh_command_duration_seconds", "Time that a command on a node took.",
       kHistogram, kCommandBuckets},
      {"etcdrestore_ssh_connect_failures_total", "Nodes that could not be connected to.", kCounter},
      {"etcdrestore_snapshot_download_bytes_total", "Bytes of snapshots that came to this process.",
       kCounter},
      {"etcdrestore_snapshot_verify_failures_total", "Snapshots that did not verify.", kCounter},
      {"etcdrestore_leader_transitions_total", "Times that the Lease changed hands.", kCounter},
      {"etcdrestore_watch_restarts_total", "Lists and watches begun anew, by reason.", kCounter},
  };
  static const std::vector<MetricSpec> table = [] {
    std::vector<MetricSpec> all = own;
    const auto& restores = RestoreSeries::Table();
    all.insert(all.end(), restores.begin(), restores.end());
    return all;
  }();
  return table;
}

namespace {

const MetricLabels kController = {{"controller", "etcdrestore"}};
const MetricLabels kQueue = {{"controller", "etcdrestore"}, {"name", "etcdrestore"}};

}  // namespace

OperatorMetrics::OperatorMetrics(const MetricLabels& build, std::string lease, int workers)
    : metrics_(MetricTable()), lease_(std::move(lease)) {
  for (const char* result : {"success", "error", "requeue", "requeue_after"})
    metrics_.Add("controller_runtime_reconcile_total",
                 {{"controller", "etcdrestore"}, {"result", result}}, 0);
  for (const char* counter :
       {"controller_runtime_reconcile_errors_total",
        "controller_runtime_terminal_reconcile_errors_total",
        "controller_runtime_reconcile_panics_total", "controller_runtime_reconcile_timeouts_total"})
    metrics_.Add(counter, kController, 0);
  metrics_.Set("controller_runtime_max_concurrent_reconciles", kController, workers);
  metrics_.Expect("controller_runtime_reconcile_time_seconds", kController);
  for (const char* counter : {"workqueue_adds_total", "workqueue_retries_total"})
    metrics_.Add(counter, kQueue, 0);
  for (const char* histogram :
       {"workqueue_queue_duration_seconds", "workqueue_work_duration_seconds"})
    metrics_.Expect(histogram, kQueue);
  for (const char* result : {"succeeded", "failed", "rejected", "cancelled"})
    metrics_.Add("etcdrestore_restores_total", {{"result", result}}, 0);
  for (const char* counter :
       {"etcdrestore_leader_transitions_total", "certwatcher_read_certificate_total",
        "certwatcher_read_certificate_errors_total"})
    metrics_.Add(counter, {}, 0);
  for (const char* what : {"relist", "watch", "list"})
    metrics_.Add("etcdrestore_watch_restarts_total", {{"reason", what}}, 0);
  for (const char* phase : kRunPhases) {
    for (const char* result : {"succeeded", "failed"}) {
      metrics_.Expect("etcdrestore_phase_duration_seconds", {{"phase", phase}, {"result", result}});
      metrics_.Add("etcdrestore_phase_attempts_total", {{"phase", phase}, {"result", result}}, 0);
    }
    for (const char* result : {"success", "failed", "error"}) {
      metrics_.Add("etcdrestore_ssh_commands_total", {{"phase", phase}, {"result", result}}, 0);
      metrics_.Expect("etcdrestore_ssh_command_duration_seconds",
                      {{"phase", phase}, {"result", result}});
    }
  }
  for (const char* reason :
       {"hostkey", "hostkey_unknown", "auth", "algorithm", "timeout", "unreachable", "other"})
    metrics_.Add("etcdrestore_ssh_connect_failures_total", {{"reason", reason}}, 0);
  for (const char* source : {"s3", "http", "nodes"}) {
    metrics_.Add("etcdrestore_snapshot_download_bytes_total", {{"source", source}}, 0);
    metrics_.Add("etcdrestore_snapshot_verify_failures_total", {{"source", source}}, 0);
  }
  metrics_.Set("etcdrestore_build_info", build, 1);
  OnLeading(false);
  OnScrape({}, {});
}

void OperatorMetrics::OnTaken(SteadyTime added, SteadyTime now) {
  ++taken_;
  const std::chrono::duration<double> waited = now - added;
  metrics_.Observe("workqueue_queue_duration_seconds", kQueue, waited.count());
  const std::lock_guard lock(mutex_);
  working_[std::this_thread::get_id()] = now;
}

void OperatorMetrics::OnReconciled(const char* result, double seconds) {
  metrics_.Add("controller_runtime_reconcile_total",
               {{"controller", "etcdrestore"}, {"result", result}});
  if (std::string_view(result) == "error")
    metrics_.Add("controller_runtime_reconcile_errors_total", kController);
  metrics_.Observe("controller_runtime_reconcile_time_seconds", kController, seconds);
  metrics_.Observe("workqueue_work_duration_seconds", kQueue, seconds);
  const std::lock_guard lock(mutex_);
  working_.erase(std::this_thread::get_id());
}

void OperatorMetrics::OnTerminalError() {
  metrics_.Add("controller_runtime_terminal_reconcile_errors_total", kController);
}

void OperatorMetrics::OnPanic() {
  metrics_.Add("controller_runtime_reconcile_panics_total", kController);
}

void OperatorMetrics::OnStatus(const EtcdRestore& object, const Json& status) {
  const std::lock_guard lock(mutex_);
  series_.Take(object, status);
}

std::string OperatorMetrics::Text() {
  return metrics_.Text([this](const std::string& metric, const SeriesSink& sink) {
    const std::lock_guard lock(mutex_);
    series_.Tell(metric, sink);
  });
}

void OperatorMetrics::OnRunEnded(const EtcdRestore&, const Json& status) {
  std::string result = status.value("phase", "");
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  metrics_.Add("etcdrestore_restores_total", {{"result", result}});
  for (const Json& span : status.value("timeline", Json::array())) {
    const bool well = span.contains("finishedAt");
    const std::string end =
        well ? span.value("finishedAt", "") : status.value("completionTime", "");
    metrics_.Observe("etcdrestore_phase_duration_seconds",
                     {{"phase", span.value("phase", "")}, {"result", ResultWord(well)}},
                     Seconds(end) - Seconds(span.value("startedAt", "")));
  }
}

void OperatorMetrics::OnAttempt(const std::string& phase, bool well) {
  metrics_.Add("etcdrestore_phase_attempts_total",
               {{"phase", phase}, {"result", ResultWord(well)}});
}

void OperatorMetrics::OnCommand(const std::string& phase, const char* result, double seconds) {
  const MetricLabels labels = {{"phase", phase}, {"result", result}};
  metrics_.Add("etcdrestore_ssh_commands_total", labels);
  metrics_.Observe("etcdrestore_ssh_command_duration_seconds", labels, seconds);
}

void OperatorMetrics::OnConnectFailure(const char* reason) {
  metrics_.Add("etcdrestore_ssh_connect_failures_total", {{"reason", reason}});
}

void OperatorMetrics::OnDownloaded(const char* source, std::uint64_t bytes) {
  metrics_.Add("etcdrestore_snapshot_download_bytes_total", {{"source", source}},
               static_cast<double>(bytes));
}

void OperatorMetrics::OnBadSnapshot(const char* source) {
  metrics_.Add("etcdrestore_snapshot_verify_failures_total", {{"source", source}});
}

void OperatorMetrics::OnGone(const KubeName& name) {
  const std::lock_guard lock(mutex_);
  series_.Forget(name);
}

void OperatorMetrics::OnRequest(const std::string& host, const std::string& code,
                                const std::string& method, double seconds) {
  metrics_.Add("rest_client_requests_total", {{"host", host}, {"code", code}, {"method", method}});
  metrics_.Observe("rest_client_request_duration_seconds", {{"host", host}, {"verb", method}},
                   seconds);
  metrics_.Add("rest_client_request_retries_total",
               {{"host", host}, {"code", code}, {"verb", method}}, 0);
}

void OperatorMetrics::OnRetry(const std::string& host, const std::string& code,
                              const std::string& method) {
  metrics_.Add("rest_client_request_retries_total",
               {{"host", host}, {"code", code}, {"verb", method}});
}

void OperatorMetrics::OnWatchRestarted(const std::string& reason) {
  metrics_.Add("etcdrestore_watch_restarts_total", {{"reason", reason}});
}

void OperatorMetrics::OnLeading(bool leads) {
  metrics_.Set("leader_election_master_status", {{"name", lease_}}, leads ? 1 : 0);
}

void OperatorMetrics::OnTransitions(int count) {
  const std::lock_guard lock(mutex_);
  // A Lease that was deleted counts from 0 again; what a counter has counted stays.
  if (count > transitions_)
    metrics_.Add("etcdrestore_leader_transitions_total", {}, count - transitions_);
  transitions_ = count;
}

void OperatorMetrics::OnCertificateRead(bool fine) {
  metrics_.Add("certwatcher_read_certificate_total", {});
  metrics_.Add("certwatcher_read_certificate_errors_total", {}, fine ? 0 : 1);
}

void OperatorMetrics::OnScrape(const QueueNumbers& queue, SteadyTime now) {
  std::chrono::duration<double> sum{};
  std::chrono::duration<double> longest{};
  const std::lock_guard lock(mutex_);
  for (const auto& [worker, since] : working_) {
    const std::chrono::duration<double> at_it = now - since;
    sum += at_it;
    longest = std::max(longest, at_it);
  }
  metrics_.Add("workqueue_adds_total", kQueue, static_cast<double>(queue.adds - queue_.adds));
  metrics_.Add("workqueue_retries_total", kQueue,
               static_cast<double>(queue.retries - queue_.retries));
  queue_ = queue;
  metrics_.Set("workqueue_depth", kQueue, static_cast<double>(queue.depth));
  metrics_.Set("workqueue_unfinished_work_seconds", kQueue, sum.count());
  metrics_.Set("workqueue_longest_running_processor_seconds", kQueue, longest.count());
  metrics_.Set("controller_runtime_active_workers", kController,
               static_cast<double>(working_.size()));
}

}  // namespace etcdrestore
