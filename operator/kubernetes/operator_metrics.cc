#include "operator/kubernetes/operator_metrics.h"

#include <algorithm>
#include <array>
#include <utility>

#include "operator/kubernetes/status_document.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostEnded = 100;
constexpr std::size_t kMostClusters = 1000;
constexpr std::array kRunPhases = {"Preflight", "Cleaned", "Fetched",
                                   "Restored",  "Up",      "Restarted"};
constexpr std::array kConditions = {"Preflight", "Approved", "Cleaned",     "Fetched",
                                    "Restored",  "Up",       "Restarted",   "Succeeded",
                                    "Failed",    "Ready",    "Reconciling", "Stalled"};
constexpr std::array kPhases = {
    "Pending", "Preflight", "AwaitingApproval", "Cleaned", "Fetched",   "Restored",
    "Up",      "Restarted", "Succeeded",        "Failed",  "Cancelled", "Rejected"};

const std::vector<double> kReconcileBuckets = {
    .005, .01, .025, .05, .1,  .15, .2,  .25, .3, .35, .4, .45, .5, .6, .7, .8, .9, 1,  1.25, 1.5,
    1.75, 2,   2.5,  3,   3.5, 4,   4.5, 5,   6,  7,   8,  9,   10, 15, 20, 25, 30, 40, 50,   60};
const std::vector<double> kQueueBuckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                           1e-2, 1e-1, 1,    10,   100,  1000};
const std::vector<double> kRequestBuckets = {.005, .025, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60};
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

/// When an object came to its end; one that never ran has only its condition to tell.
std::string EndOf(const Json& status) {
  if (status.contains("completionTime")) return status.value("completionTime", "");
  return ConditionField(status, "Failed", "lastTransitionTime");
}

MetricLabels With(MetricLabels labels, const char* name, const std::string& value) {
  labels[name] = value;
  return labels;
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

OperatorMetrics::OperatorMetrics(const std::string& version, std::string lease, int workers)
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
  metrics_.Add("etcdrestore_leader_transitions_total", {}, 0);
  for (const char* what : {"relist", "watch", "list"})
    metrics_.Add("etcdrestore_watch_restarts_total", {{"reason", what}}, 0);
  for (const char* phase : kRunPhases)
    metrics_.Expect("etcdrestore_phase_duration_seconds", {{"phase", phase}});
  metrics_.Set("etcdrestore_build_info", {{"version", version}}, 1);
  OnLeading(false);
  OnScrape({}, {});
}

void OperatorMetrics::OnTaken(SteadyTime added, SteadyTime now) {
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
  if (!status.is_object() || status.value("phase", "").empty()) return;
  const std::string phase = status.value("phase", "");
  if (phase == "Succeeded") ShowSuccess(object.spec.cluster_name, status);
  const KubeName name{object.name_space, object.name};
  Seen seen{{{"namespace", object.name_space},
             {"name", object.name},
             {"cluster", object.spec.cluster_name}},
            status,
            LimitOf(object.spec.deadlines, phase)};
  if (!Keeps(name, AtItsEnd(phase), EndOf(status))) return;
  // Thousands may end up here when an operator starts: what nobody has scraped is not written.
  if (AtItsEnd(phase)) {
    const std::lock_guard lock(mutex_);
    unshown_.insert_or_assign(name, std::move(seen));
    return;
  }
  Show(seen);
}

std::string OperatorMetrics::Text() {
  std::map<KubeName, Seen> unshown;
  {
    const std::lock_guard lock(mutex_);
    // While more wait than are shown, most of these would be taken away again at once.
    if (queue_.depth <= kMostEnded) unshown.swap(unshown_);
    for (const auto& [name, seen] : unshown) shown_.insert(name);
  }
  for (const auto& [name, seen] : unshown) Show(seen);
  return metrics_.Text();
}

void OperatorMetrics::Show(const Seen& seen) {
  const MetricLabels& base = seen.base;
  const Json& status = seen.status;
  const std::string phase = status.value("phase", "");
  for (const char* one : kPhases)
    metrics_.Set("etcdrestore_restore_phase", With(base, "phase", one), phase == one ? 1 : 0);
  ShowConditions(base, status);
  metrics_.Set("etcdrestore_awaiting_approval",
               {{"namespace", base.at("namespace")}, {"name", base.at("name")}},
               phase == "AwaitingApproval" ? 1 : 0);
  for (const auto& [field, metric] :
       {std::pair{"startTime", "etcdrestore_restore_start_timestamp_seconds"},
        {"completionTime", "etcdrestore_restore_completion_timestamp_seconds"}}) {
    if (status.contains(field)) metrics_.Set(metric, base, Seconds(status.value(field, "")));
  }
  const Json timeline = status.value("timeline", Json::array());
  const bool works =
      !AtItsEnd(phase) && !timeline.empty() && !timeline.back().contains("finishedAt");
  for (const char* one : kRunPhases) {
    if (works && phase == one) continue;
    for (const char* metric : {"etcdrestore_restore_phase_start_timestamp_seconds",
                               "etcdrestore_restore_phase_timeout_seconds"})
      metrics_.Drop(With(base, "phase", one), metric);
  }
  if (!works) return;
  metrics_.Set("etcdrestore_restore_phase_start_timestamp_seconds", With(base, "phase", phase),
               Seconds(timeline.back().value("startedAt", "")));
  const std::chrono::duration<double> limit = seen.limit;
  metrics_.Set("etcdrestore_restore_phase_timeout_seconds", With(base, "phase", phase),
               limit.count());
}

/// A condition that is not in the status is neither True nor False nor Unknown.
void OperatorMetrics::ShowConditions(const MetricLabels& base, const Json& status) {
  std::map<std::string, std::string> now;
  for (const Json& condition : status.value("conditions", Json::array()))
    now[condition.value("type", "")] = condition.value("status", "");
  for (const char* type : kConditions) {
    for (const auto& [value, label] :
         {std::pair{"True", "true"}, {"False", "false"}, {"Unknown", "unknown"}}) {
      metrics_.Set("etcdrestore_restore_condition",
                   With(With(base, "condition", type), "status", label),
                   now.contains(type) && now[type] == value ? 1 : 0);
    }
  }
}

void OperatorMetrics::ShowSuccess(const std::string& cluster, const Json& status) {
  const double ended = Seconds(status.value("completionTime", ""));
  {
    const std::lock_guard lock(mutex_);
    double& newest = last_success_[cluster];
    if (ended < newest) return;
    newest = ended;
  }
  if (const std::string forgotten = OldestOfTooManyClusters(); !forgotten.empty()) {
    metrics_.Drop({{"cluster", forgotten}}, "etcdrestore_last_success_timestamp_seconds");
    metrics_.Drop({{"cluster", forgotten}}, "etcdrestore_restored_snapshot_timestamp_seconds");
    if (forgotten == cluster) return;
  }
  metrics_.Set("etcdrestore_last_success_timestamp_seconds", {{"cluster", cluster}}, ended);
  const Json snapshot = status.value("snapshot", Json::object());
  metrics_.Set("etcdrestore_restored_snapshot_timestamp_seconds", {{"cluster", cluster}},
               Seconds(snapshot.value("takenAt", "")));
}

std::string OperatorMetrics::OldestOfTooManyClusters() {
  const std::lock_guard lock(mutex_);
  if (last_success_.size() <= kMostClusters) return "";
  const auto oldest =
      std::min_element(last_success_.begin(), last_success_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string cluster = oldest->first;
  last_success_.erase(oldest);
  return cluster;
}

/// Of the objects at their end only those that ended last have series.
bool OperatorMetrics::Keeps(const KubeName& name, bool ended, const std::string& when) {
  std::optional<KubeName> oldest;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(ended_, [&](const auto& one) { return one.second == name; });
    if (ended) ended_.emplace(when, name);
    if (!ended) {
      shown_.insert(name);
      unshown_.erase(name);
    }
    if (ended_.size() <= kMostEnded) return true;
    oldest = ended_.begin()->second;
    ended_.erase(ended_.begin());
    unshown_.erase(*oldest);
    if (shown_.erase(*oldest) == 0) return *oldest != name;
  }
  metrics_.Drop({{"namespace", oldest->name_space}, {"name", oldest->name}});
  return *oldest != name;
}

void OperatorMetrics::OnRunEnded(const EtcdRestore&, const Json& status) {
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
}

void OperatorMetrics::OnGone(const KubeName& name) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(ended_, [&](const auto& one) { return one.second == name; });
    unshown_.erase(name);
    if (shown_.erase(name) == 0) return;
  }
  metrics_.Drop({{"namespace", name.name_space}, {"name", name.name}});
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

void OperatorMetrics::OnTransition() { metrics_.Add("etcdrestore_leader_transitions_total", {}); }

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
