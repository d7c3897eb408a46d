#include "operator/kubernetes/event_series.h"

#include "operator/runtime/leader.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuiet = 6min;
constexpr auto kRefresh = 30min;
constexpr std::size_t kMostSeries = 4096;

std::string KeyOf(const KubeObject& event) {
  const KubeObject& regarding = event["regarding"];
  return KubeObject({event["type"], event["action"], event["reason"], event["reportingController"],
                     event["reportingInstance"], regarding["uid"], regarding["name"],
                     regarding["namespace"]})
      .dump();
}

}  // namespace

std::optional<KubeWrite> EventSeries::Take(const KubeObject& event, SystemTime now) {
  if (series_.size() >= kMostSeries) series_.clear();
  const auto [known, fresh] = series_.try_emplace(KeyOf(event));
  Series& series = known->second;
  if (fresh || now - series.last >= kQuiet) {
    series = {{event["metadata"]["namespace"], event["metadata"]["name"]}, 1, 1, now, now};
    return KubeWrite{KubeVerb::kCreate, kEvents, series.name, "", event};
  }
  ++series.count;
  series.last = now;
  if (series.count > 2 && now - series.written_at < kRefresh) return std::nullopt;
  return Patch(series, now);
}

std::vector<KubeWrite> EventSeries::TakeQuiet(SystemTime now) {
  std::vector<KubeWrite> last;
  for (auto it = series_.begin(); it != series_.end();) {
    Series& series = it->second;
    if (now - series.last < kQuiet) {
      ++it;
      continue;
    }
    if (series.count > series.written) last.push_back(Patch(series, now));
    it = series_.erase(it);
  }
  return last;
}

std::vector<KubeWrite> EventSeries::TakeRest(SystemTime now) {
  std::vector<KubeWrite> last;
  for (auto& [key, series] : series_) {
    if (series.count > series.written) last.push_back(Patch(series, now));
  }
  series_.clear();
  return last;
}

void EventSeries::Forget(const KubeName& event) {
  std::erase_if(series_, [&](const auto& one) { return one.second.name == event; });
}

KubeWrite EventSeries::Patch(Series& series, SystemTime now) {
  series.written = series.count;
  series.written_at = now;
  return {KubeVerb::kMerge,
          kEvents,
          series.name,
          "",
          {{"series", {{"count", series.count}, {"lastObservedTime", MicroTime(series.last)}}}}};
}

}  // namespace etcdrestore
