#include "operator/kubernetes/restore_series.h"

#include <algorithm>

#include "operator/kubernetes/status_document.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostEnded = 100;
constexpr std::size_t kMostClusters = 1000;
using Word = std::string_view;
constexpr std::array<Word, 12> kConditionTypes = {
    "Preflight", "Approved",  "Cleaned", "Fetched", "Restored",    "Up",
    "Restarted", "Succeeded", "Failed",  "Ready",   "Reconciling", "Stalled"};
constexpr std::array<Word, 3> kStatuses = {"True", "False", "Unknown"};
constexpr std::array<Word, 3> kStatusLabels = {"true", "false", "unknown"};
constexpr std::array<Word, 12> kPhases = {
    "Pending", "Preflight", "AwaitingApproval", "Cleaned", "Fetched",   "Restored",
    "Up",      "Restarted", "Succeeded",        "Failed",  "Cancelled", "Rejected"};

std::optional<double> Seconds(const Json& object, const char* field) {
  const auto parsed = ParseTime(object.value(field, ""));
  if (!parsed) return std::nullopt;
  return std::chrono::duration<double>(parsed->time_since_epoch()).count();
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

/// The same word, that lives as long as the program; "" for one that is not of the set.
template <std::size_t size>
Word Known(const std::array<Word, size>& words, const std::string& word) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? Word() : *found;
}

double OneIf(bool is) { return is ? 1 : 0; }

MetricLabels With(MetricLabels labels, const char* name, Word value) {
  labels[name] = value;
  return labels;
}

}  // namespace

const std::vector<MetricSpec>& RestoreSeries::Table() {
  using enum MetricKind;
  static const std::vector<MetricSpec> table = {
      {"etcdrestore_restore_phase", "1 for the present phase.", kMoment},
      {"etcdrestore_restore_condition", "1 for the present status of each condition.", kMoment},
      {"etcdrestore_restore_phase_start_timestamp_seconds", "When the present phase began.",
       kMoment},
      {"etcdrestore_restore_phase_timeout_seconds", "How long the present phase may take.",
       kMoment},
      {"etcdrestore_restore_start_timestamp_seconds", "When the run began.", kMoment},
      {"etcdrestore_restore_completion_timestamp_seconds", "When the run ended.", kMoment},
      {"etcdrestore_awaiting_approval", "1 while a person must approve the plan.", kMoment},
      {"etcdrestore_last_success_timestamp_seconds", "Newest restore that succeeded.", kMoment},
      {"etcdrestore_restored_snapshot_timestamp_seconds", "Age of what was restored last.",
       kMoment},
  };
  return table;
}

RestoreSeries::Shown RestoreSeries::Compact(const EtcdRestore& object, const Json& status,
                                            const std::string& ended) {
  Shown shown;
  const std::string phase = status.value("phase", "");
  shown.cluster = object.spec.cluster_name;
  shown.ended = ended;
  shown.phase = Known(kPhases, phase);
  for (const Json& condition : status.value("conditions", Json::array())) {
    const Word type = Known(kConditionTypes, condition.value("type", ""));
    const Word status_now = Known(kStatuses, condition.value("status", ""));
    for (std::size_t at = 0; at < kConditions; ++at) {
      if (type == kConditionTypes[at]) shown.conditions[at] = status_now;
    }
  }
  shown.started = Seconds(status, "startTime");
  shown.completed = Seconds(status, "completionTime");
  const Json timeline = status.value("timeline", Json::array());
  if (!timeline.empty() && !timeline.back().contains("finishedAt") &&
      timeline.back().value("phase", "") == phase)
    shown.phase_started = Seconds(timeline.back(), "startedAt");
  const std::chrono::duration<double> limit = LimitOf(object.spec.deadlines, phase);
  shown.phase_limit = limit.count();
  return shown;
}

void RestoreSeries::Take(const EtcdRestore& object, const Json& status) {
  const std::string phase = status.is_object() ? status.value("phase", "") : "";
  if (phase.empty()) return;
  if (phase == "Succeeded") NoteSuccess(object.spec.cluster_name, status);
  const KubeName name{object.name_space, object.name};
  Forget(name);
  const std::string ended = AtItsEnd(phase) ? EndOf(status) : "";
  if (AtItsEnd(phase)) {
    ended_.emplace(ended, name);
    if (ended_.size() > kMostEnded) {
      const KubeName oldest = ended_.begin()->second;
      ended_.erase(ended_.begin());
      shown_.erase(oldest);
      if (oldest == name) return;
    }
  }
  shown_.emplace(name, Compact(object, status, ended));
}

void RestoreSeries::Forget(const KubeName& name) {
  const auto known = shown_.find(name);
  if (known == shown_.end()) return;
  ended_.erase({known->second.ended, name});
  shown_.erase(known);
}

void RestoreSeries::NoteSuccess(const std::string& cluster, const Json& status) {
  // One that only its record tells of has no time.
  const auto ended = Seconds(status, "completionTime");
  if (!ended) return;
  Success& newest = successes_[cluster];
  if (*ended < newest.ended) return;
  newest = {*ended, Seconds(status.value("snapshot", Json::object()), "takenAt")};
  if (successes_.size() <= kMostClusters) return;
  successes_.erase(std::min_element(
      successes_.begin(), successes_.end(),
      [](const auto& a, const auto& b) { return a.second.ended < b.second.ended; }));
}

void RestoreSeries::TellOne(const std::string& metric, const MetricLabels& base, const Shown& shown,
                            const SeriesSink& sink) {
  if (metric == "etcdrestore_restore_phase") {
    for (const Word phase : kPhases) sink(With(base, "phase", phase), OneIf(phase == shown.phase));
  } else if (metric == "etcdrestore_restore_condition") {
    for (std::size_t at = 0; at < kConditions; ++at) {
      const MetricLabels one = With(base, "condition", kConditionTypes[at]);
      for (std::size_t is = 0; is < kStatuses.size(); ++is)
        sink(With(one, "status", kStatusLabels[is]), OneIf(kStatuses[is] == shown.conditions[at]));
    }
  } else if (metric == "etcdrestore_restore_phase_start_timestamp_seconds") {
    if (shown.phase_started) sink(With(base, "phase", shown.phase), *shown.phase_started);
  } else if (metric == "etcdrestore_restore_phase_timeout_seconds") {
    if (shown.phase_started) sink(With(base, "phase", shown.phase), shown.phase_limit);
  } else if (metric == "etcdrestore_restore_start_timestamp_seconds") {
    if (shown.started) sink(base, *shown.started);
  } else if (metric == "etcdrestore_restore_completion_timestamp_seconds") {
    if (shown.completed) sink(base, *shown.completed);
  } else if (metric == "etcdrestore_awaiting_approval") {
    MetricLabels labels = base;
    labels.erase("cluster");
    sink(labels, OneIf(shown.phase == "AwaitingApproval"));
  }
}

void RestoreSeries::Tell(const std::string& metric, const SeriesSink& sink) const {
  const bool success = metric == "etcdrestore_last_success_timestamp_seconds";
  if (success || metric == "etcdrestore_restored_snapshot_timestamp_seconds") {
    for (const auto& [cluster, one] : successes_) {
      const std::optional<double> told = success ? one.ended : one.taken_at;
      if (told) sink({{"cluster", cluster}}, *told);
    }
    return;
  }
  for (const auto& [name, shown] : shown_) {
    const MetricLabels base = {
        {"namespace", name.name_space}, {"name", name.name}, {"cluster", shown.cluster}};
    TellOne(metric, base, shown, sink);
  }
}

}  // namespace etcdrestore
