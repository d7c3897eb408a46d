#include "operator/kubernetes/status_document.h"

#include <algorithm>

#include "crds/schema.h"
#include "operator/ports/kube.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

/// At most `limit` characters, never half of one; the server counts characters, not bytes.
std::string Clipped(const std::string& text, std::size_t limit) {
  std::size_t characters = 0;
  std::size_t kept = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && ++characters > limit) break;
    if (begins && characters == limit) kept = at;
  }
  return characters <= limit ? text : text.substr(0, kept) + "…";
}

Json FitArray(const Json& value, const Json& schema) {
  Json out = Json::array();
  const std::size_t limit = schema.value("maxItems", std::size_t{1000});
  // The newest entries are the last ones.
  for (std::size_t at = value.size() > limit ? value.size() - limit : 0; at < value.size(); ++at)
    out.push_back(FitToSchema(value[at], schema["items"]));
  return out;
}

bool IsPhase(const std::string& condition) {
  for (const char* type : {"Preflight", "Cleaned", "Fetched", "Restored", "Up", "Restarted"}) {
    if (condition == type) return true;
  }
  return false;
}

/// Where a run was when it ended; one that ended at its first look has no timeline.
std::string PhaseUnderWay(const Json& status) {
  const Json timeline = status.value("timeline", Json::array());
  if (!timeline.empty()) return timeline.back().value("phase", "Preflight");
  for (const Json& condition : status.value("conditions", Json::array())) {
    std::string type = condition.value("type", "");
    if (IsPhase(type) && condition.value("status", "") != "True") return type;
  }
  return "Preflight";
}

std::string PhaseConditionReason(const std::string& phase) {
  return phase == "Pending" ? "NotStarted" : phase;
}

Json Condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message, const EtcdRestore& object, SystemTime now) {
  return {{"type", type},
          {"status", status},
          {"reason", reason},
          {"message", message},
          {"observedGeneration", object.generation},
          {"lastTransitionTime", FormatTime(now)}};
}

}  // namespace

Json FitToSchema(const Json& value, const Json& schema) {
  if (value.is_string() && schema.contains("maxLength"))
    return Clipped(value.get<std::string>(), schema["maxLength"].get<std::size_t>());
  if (value.is_array() && schema.contains("items")) return FitArray(value, schema);
  if (!value.is_object() || !schema.contains("properties")) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.items()) {
    const auto known = schema["properties"].find(name);
    if (known != schema["properties"].end() && !member.is_null())
      out[name] = FitToSchema(member, *known);
  }
  return out;
}

const Json& StatusSchema() { return ObjectSchema()["properties"]["status"]; }

Json NextStatus(const Json& previous, const Json& next) {
  Json fit = FitToSchema(next, StatusSchema());
  if (!previous.is_object() || !previous.contains("conditions") || !fit.contains("conditions"))
    return fit;
  for (Json& condition : fit["conditions"]) {
    for (const Json& old : previous["conditions"]) {
      if (old.value("type", "") == condition["type"] &&
          old.value("status", "") == condition["status"])
        condition["lastTransitionTime"] = old["lastTransitionTime"];
    }
  }
  // Compared without regard to the order of keys, which the server does not keep.
  return nlohmann::json(fit) == nlohmann::json(previous) ? previous : fit;
}

Json OutsideRunStatus(const EtcdRestore& object, const std::string& phase,
                      const std::string& reason, const std::string& message, SystemTime now) {
  const bool bad = phase == "Rejected" || phase == "Failed" || phase == "Cancelled";
  const bool done = phase == "Succeeded";
  const char* summary = done ? "True" : (bad ? "False" : "Unknown");
  Json conditions = Json::array();
  for (const char* type : {"Preflight", "Cleaned", "Fetched", "Restored", "Up", "Restarted"})
    conditions.push_back(Condition(type, done ? "True" : "Unknown",
                                   done ? reason : PhaseConditionReason(phase), "", object, now));
  for (const char* type : {"Succeeded", "Ready"})
    conditions.push_back(Condition(type, summary, reason, message, object, now));
  conditions.push_back(Condition("Failed", bad ? "True" : "False", reason, message, object, now));
  if (bad) conditions.push_back(Condition("Stalled", "True", reason, message, object, now));
  if (!bad && !done)
    conditions.push_back(Condition("Reconciling", "True", reason, message, object, now));
  return {{"observedGeneration", object.generation},
          {"phase", phase},
          {"progress", done ? "6/6" : "0/6"},
          {"runID", object.spec.run_id},
          {"conditions", conditions}};
}

Json OverHalfDone(const Json& known, const Json& said) {
  Json status = known;
  Json conditions = Json::array();
  for (const Json& condition : known.value("conditions", Json::array())) {
    if (IsPhase(condition.value("type", ""))) conditions.push_back(condition);
  }
  for (const Json& condition : said.at("conditions")) {
    if (!IsPhase(condition.value("type", ""))) conditions.push_back(condition);
  }
  const std::string progress = known.value("progress", "");
  status.update(said);
  status["conditions"] =
      OfGeneration({{"conditions", conditions}}, said.at("observedGeneration")).at("conditions");
  if (!progress.empty()) status["progress"] = progress;
  return status;
}

Json TriedAgain(Json status, bool stalled) {
  status["phase"] = PhaseUnderWay(status);
  status.erase("completionTime");
  Json conditions = Json::array();
  for (Json condition : status.value("conditions", Json::array())) {
    const std::string type = condition.value("type", "");
    if (type == "Failed") condition["status"] = "False";
    if (type == "Succeeded" || type == "Ready") condition["status"] = "Unknown";
    if (IsPhase(type) && condition["status"] == "False") condition["status"] = "Unknown";
    if (type == "Stalled" && !stalled) condition["type"] = "Reconciling";
    conditions.push_back(std::move(condition));
  }
  status["conditions"] = std::move(conditions);
  return status;
}

Json OfGeneration(Json status, std::int64_t generation) {
  status["observedGeneration"] = generation;
  for (Json& condition : status["conditions"]) condition["observedGeneration"] = generation;
  return status;
}

const Json& StatusOf(const EtcdRestore& object) {
  static const Json none = Json::object();
  const auto found = object.raw.find("status");
  return found != object.raw.end() && found->is_object() ? *found : none;
}

bool AtItsEnd(std::string_view phase) {
  return phase == "Succeeded" || phase == "Failed" || phase == "Cancelled" || phase == "Rejected";
}

std::string ConditionField(const Json& status, const std::string& type, const char* field) {
  for (const Json& condition : status.value("conditions", Json::array())) {
    if (condition.value("type", "") != type) continue;
    return TextField(condition, field);
  }
  return "";
}

EtcdRestore BareObject(const Json& object) {
  EtcdRestore bare;
  const Json metadata = object.value("metadata", Json::object());
  const Json spec = object.value("spec", Json::object());
  bare.name = metadata.value("name", "");
  bare.name_space = metadata.value("namespace", "");
  bare.uid = metadata.value("uid", "");
  bare.generation = metadata.value("generation", std::int64_t{0});
  bare.spec.run_id = TextField(spec, "runID");
  bare.spec.cluster_name = TextField(spec, "clusterName");
  bare.raw = object;
  return bare;
}

}  // namespace etcdrestore
