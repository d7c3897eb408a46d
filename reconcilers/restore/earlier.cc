#include "reconcilers/restore/earlier.h"

#include <algorithm>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

const Json* Member(const Json* object, const char* name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

std::string Text(const Json* object, const char* name) {
  const Json* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

const Json* StatusOfRun(const Target& target) {
  const Json* status = Member(&target.object.raw, "status");
  return Text(status, "runID") == target.object.spec.run_id ? status : nullptr;
}

const Json& Items(const Json* list) {
  static const Json none = Json::array();
  return list != nullptr && list->is_array() ? *list : none;
}

}  // namespace

std::optional<SystemTime> EarlierTime(const Target& target, const char* field) {
  return ParseTime(Text(StatusOfRun(target), field));
}

std::vector<PhaseSpan> EarlierTimeline(const Target& target) {
  std::vector<PhaseSpan> spans;
  for (const Json& entry : Items(Member(StatusOfRun(target), "timeline"))) {
    const auto phase = PhaseNamed(Text(&entry, "phase"));
    const auto started = ParseTime(Text(&entry, "startedAt"));
    const auto finished = ParseTime(Text(&entry, "finishedAt"));
    const Json* attempts = Member(&entry, "attempts");
    if (phase && started && finished)
      spans.push_back(
          {*phase, *started, finished,
           attempts != nullptr && attempts->is_number_integer() ? attempts->get<int>() : 1});
  }
  return spans;
}

const Json* EarlierPlan(const Target& target) {
  const Json* plan = Member(StatusOfRun(target), "plan");
  return plan != nullptr && plan->is_object() ? plan : nullptr;
}

const Json* EarlierCondition(const Target& target, std::string_view type) {
  const Json& conditions = Items(Member(StatusOfRun(target), "conditions"));
  const auto found = std::find_if(conditions.begin(), conditions.end(),
                                  [&](const Json& one) { return Text(&one, "type") == type; });
  return found == conditions.end() ? nullptr : &*found;
}

}  // namespace etcdrestore
