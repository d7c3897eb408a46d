#include "operator/kubernetes/operator_metrics.h"

#include <algorithm>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostEnded = 100;
constexpr const char* kPhases[] = {
    "Pending", "Preflight", "AwaitingApproval", "Cleaned", "Fetched",   "Restored",
    "Up",      "Restarted", "Succeeded",        "Failed",  "Cancelled", "Rejected"};

const std::vector<double> kReconcileBuckets = {
    .005, .01, .025, .05, .1,  .15, .2,  .25, .3, .35, .4, .45, .5, .6, .7, .8, .9, 1,  1.25, 1.5,
    1.75, 2,   2.5,  3,   3.5, 4,   4.5, 5,   6,  7,   8,  9,   10, 15, 20, 25, 30, 40, 50,   60};
const std::vector<double> kRequestBuckets = {.005, .025, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60};
const std::vector<double> kQueueBuckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                           1e-2, 1e-1, 1,    10,   100,  1000};
const std::vector<double> kPhaseBuckets = {1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600};

bool AtItsEnd(const std::string& phase) {
  return phase == "Succeeded" || phase == "Failed" || phase == "Cancelled" || phase == "Rejected";
}

double Seconds(const std::string& time) {
  const auto parsed = ParseTime(time);
  return parsed ? std::chrono::duration<double>(parsed->time_since_epoch()).count() : 0;
}

Duration LimitOf(const DeadlineSpec& deadlines, const std::string& phase) {
  if (phase == "Preflight") return deadlines.preflight;
  if (phase == "Cleaned") return deadlines.cleaned;
  if (phase == "Fetched") return deadlines.fetched;
  if (phase == "Restored") return deadlines.restored;
  if (phase == "Up") return deadlines.up;
  if (phase == "Restarted") return deadlines.restarted;
  return deadlines.total;
}

}  // namespace

const std::vector<MetricSpec>& MetricTable() {
  using enum MetricKind;
  static const std::vector<MetricSpec> table = {
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
      {"controller_runtime_active_workers", "Workers that are at work.", kGauge},
      {"workqueue_depth", "Keys that wait.", kGauge},
      {"workqueue_adds_total", "Keys that came to wait.", kCounter},
      {"workqueue_retries_total", "Keys that were to come again later.", kCounter},
      {"workqueue_queue_duration_seconds", "Time that a key waited.", kHistogram, kQueueBuckets},
      {"workqueue_work_duration_seconds", "Time that a key was worked on.", kHistogram,
       kQueueBuckets},
      {"workqueue_unfinished_work_seconds",
       "Time that the keys under work have been worked on, together.", kGauge},
      {"workqueue_longest_running_processor_seconds",
       "Time that the key that takes longest has been worked on.", kGauge},
      {"rest_client_requests_total", "Requests to the API server.", kCounter},
      {"rest_client_request_duration_seconds", "Time of a request to the API server.", kHistogram,
       kRequestBuckets},
      {"rest_client_request_retries_total", "Requests that were sent again.", kCounter},
      {"leader_election_master_status", "1 while this process leads.", kGauge},
      {"etcdrestore_build_info", "Always 1.", kGauge},
      {"etcdrestore_restores_total", "Runs that ended, by result.", kCounter},
      {"etcdrestore_phase_duration_seconds", "Time that a phase took.", kHistogram, kPhaseBuckets},
      {"etcdrestore_restore_condition", "1 for the present status of each condition.", kGauge},
      {"etcdrestore_restore_phase", "1 for the present phase.", kGauge},
      {"etcdrestore_restore_phase_start_timestamp_seconds", "When the present phase began.",
       kGauge},
      {"etcdrestore_restore_phase_timeout_seconds", "How long the present phase may take.", kGauge},
      {"etcdrestore_restore_start_timestamp_seconds", "When the run began.", kGauge},
      {"etcdrestore_restore_completion_timestamp_seconds", "When the run ended.", kGauge},
      {"etcdrestore_last_success_timestamp_seconds", "Newest restore that succeeded.", kGauge},
      {"etcdrestore_restored_snapshot_timestamp_seconds", "Age of what was restored last.", kGauge},
      {"etcdrestore_awaiting_approval", "1 while a person must approve the plan.", kGauge},
      {"etcdrestore_leader_transitions_total", "Times that this process began to lead.", kCounter},
      {"etcdrestore_watch_restarts_total", "Lists and watches begun anew, by reason.", kCounter},
  };
  return table;
}

namespace {

const MetricLabels kController = {{"controller", "etcdrestore"}};
const MetricLabels kQueue = {{"controller", "etcdrestore"}, {"name", "etcdrestore"}};

}  // namespace

OperatorMetrics::OperatorMetrics(const std::string& version, const std::string& lease, int workers)
    : metrics_(MetricTable()), lease_(lease) {
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
  for (const char* phase : {"Preflight", "Cleaned", "Fetched", "Restored", "Up", "Restarted"})
    metrics_.Expect("etcdrestore_phase_duration_seconds", {{"phase", phase}});
  for (const char* result : {"succeeded", "failed", "rejected", "cancelled"})
    metrics_.Add("etcdrestore_restores_total", {{"result", result}}, 0);
  metrics_.Add("etcdrestore_leader_transitions_total", {}, 0);
  for (const char* what : {"relist", "watch", "list"})
    metrics_.Add("etcdrestore_watch_restarts_total", {{"reason", what}}, 0);
  metrics_.Set("etcdrestore_build_info", {{"version", version}}, 1);
  OnLeading(false);
  OnQueue({});
}

void OperatorMetrics::OnTaken(double waited_seconds) {
  metrics_.Observe("workqueue_queue_duration_seconds", kQueue, waited_seconds);
}

void OperatorMetrics::OnReconciled(const char* result, double seconds) {
  metrics_.Add("controller_runtime_reconcile_total",
               {{"controller", "etcdrestore"}, {"result", result}});
  if (std::string_view(result) == "error")
    metrics_.Add("controller_runtime_reconcile_errors_total", kController);
  metrics_.Observe("controller_runtime_reconcile_time_seconds", kController, seconds);
  metrics_.Observe("workqueue_work_duration_seconds", kQueue, seconds);
}

void OperatorMetrics::OnTerminalError() {
  metrics_.Add("controller_runtime_terminal_reconcile_errors_total", kController);
}

void OperatorMetrics::OnPanic() {
  metrics_.Add("controller_runtime_reconcile_panics_total", kController);
}

void OperatorMetrics::OnStatus(const EtcdRestore& object, const Json& status) {
  if (!status.is_object() || status.value("phase", "").empty()) return;
  const MetricLabels base = {{"namespace", object.name_space},
                             {"name", object.name},
                             {"cluster", object.spec.cluster_name}};
  const auto with = [&](const MetricLabels& more) {
    MetricLabels all = base;
    all.insert(more.begin(), more.end());
    return all;
  };
  const std::string phase = status.value("phase", "");
  for (const char* one : kPhases)
    metrics_.Set("etcdrestore_restore_phase", with({{"phase", one}}), phase == one ? 1 : 0);
  for (const Json& condition : status.value("conditions", Json::array())) {
    for (const char* value : {"True", "False", "Unknown"}) {
      std::string lower = value;
      lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
      metrics_.Set("etcdrestore_restore_condition",
                   with({{"condition", condition.value("type", "")}, {"status", lower}}),
                   condition.value("status", "") == value ? 1 : 0);
    }
  }
  metrics_.Set("etcdrestore_awaiting_approval",
               {{"namespace", object.name_space}, {"name", object.name}},
               phase == "AwaitingApproval" ? 1 : 0);
  for (const auto& [field, metric] :
       {std::pair{"startTime", "etcdrestore_restore_start_timestamp_seconds"},
        {"completionTime", "etcdrestore_restore_completion_timestamp_seconds"}}) {
    if (status.contains(field)) metrics_.Set(metric, base, Seconds(status.value(field, "")));
  }
  for (const char* metric : {"etcdrestore_restore_phase_start_timestamp_seconds",
                             "etcdrestore_restore_phase_timeout_seconds"})
    metrics_.Drop({{"namespace", object.name_space}, {"name", object.name}}, metric);
  const Json timeline = status.value("timeline", Json::array());
  if (!timeline.empty() && !timeline.back().contains("finishedAt") && !AtItsEnd(phase)) {
    metrics_.Set("etcdrestore_restore_phase_start_timestamp_seconds", with({{"phase", phase}}),
                 Seconds(timeline.back().value("startedAt", "")));
    const std::chrono::duration<double> limit = LimitOf(object.spec.deadlines, phase);
    metrics_.Set("etcdrestore_restore_phase_timeout_seconds", with({{"phase", phase}}),
                 limit.count());
  }
  if (!AtItsEnd(phase)) return;
  std::optional<KubeName> dropped;
  {
    const std::lock_guard lock(mutex_);
    const KubeName name{object.name_space, object.name};
    if (std::find(ended_.begin(), ended_.end(), name) == ended_.end()) ended_.push_back(name);
    if (ended_.size() > kMostEnded) {
      dropped = ended_.front();
      ended_.pop_front();
    }
  }
  if (dropped) metrics_.Drop({{"namespace", dropped->name_space}, {"name", dropped->name}});
}

void OperatorMetrics::OnRunEnded(const EtcdRestore& object, const Json& status) {
  std::string result = status.value("phase", "");
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  metrics_.Add("etcdrestore_restores_total", {{"result", result}});
  for (const Json& span : status.value("timeline", Json::array())) {
    if (!span.contains("finishedAt")) continue;
    metrics_.Observe("etcdrestore_phase_duration_seconds", {{"phase", span.value("phase", "")}},
                     Seconds(span.value("finishedAt", "")) - Seconds(span.value("startedAt", "")));
  }
  if (result != "succeeded") return;
  const MetricLabels cluster = {{"cluster", object.spec.cluster_name}};
  metrics_.Set("etcdrestore_last_success_timestamp_seconds", cluster,
               Seconds(status.value("completionTime", "")));
  const Json snapshot = status.value("snapshot", Json::object());
  metrics_.Set("etcdrestore_restored_snapshot_timestamp_seconds", cluster,
               Seconds(snapshot.value("takenAt", "")));
}

void OperatorMetrics::OnGone(const KubeName& name) {
  {
    const std::lock_guard lock(mutex_);
    std::erase(ended_, name);
  }
  metrics_.Drop({{"namespace", name.name_space}, {"name", name.name}});
}

void OperatorMetrics::OnRequest(const std::string& host, const std::string& code,
                                const std::string& method, double seconds) {
  metrics_.Add("rest_client_requests_total", {{"host", host}, {"code", code}, {"method", method}});
  metrics_.Observe("rest_client_request_duration_seconds", {{"host", host}, {"verb", method}},
                   seconds);
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

void OperatorMetrics::OnTransition() { metrics_.Add("etcdrestore_leader_transitions_total", {}); }

void OperatorMetrics::OnQueue(const QueueNumbers& numbers) {
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  const std::lock_guard lock(mutex_);
  metrics_.Add("workqueue_adds_total", kQueue, static_cast<double>(numbers.adds - queue_.adds));
  metrics_.Add("workqueue_retries_total", kQueue,
               static_cast<double>(numbers.retries - queue_.retries));
  metrics_.Set("workqueue_depth", kQueue, static_cast<double>(numbers.depth));
  metrics_.Set("workqueue_unfinished_work_seconds", kQueue, seconds(numbers.unfinished));
  metrics_.Set("workqueue_longest_running_processor_seconds", kQueue, seconds(numbers.longest));
  metrics_.Set("controller_runtime_active_workers", kController, static_cast<double>(numbers.busy));
  queue_ = numbers;
}

}  // namespace etcdrestore
