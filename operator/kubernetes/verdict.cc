#include "operator/kubernetes/verdict.h"

#include "operator/kubernetes/status_document.h"

namespace etcdrestore {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
bool HalfDone(const EtcdRestore& object) {
  const Json& status = StatusOf(object);
  const std::string phase = status.value("phase", "");
  if (!status.contains("pointOfNoReturn") || phase == "Succeeded") return false;
  return phase != "Failed" || status.value("runID", "") == object.spec.run_id;
}

ObjectVerdict Judge(const EtcdRestore& object) {
  const Json& status = StatusOf(object);
  const bool same_run = status.value("runID", "") == object.spec.run_id;
  const std::string told = status.value("phase", "");
  const std::string phase = same_run ? told : "";
  const bool changed = status.value("observedGeneration", std::int64_t{-1}) != object.generation;
  const bool half = HalfDone(object);
  // Half a restore goes on to its end under the finalizer; one that has ended lets go.
  if (object.raw["metadata"].contains("deletionTimestamp") && (!half || told == "Failed"))
    return ObjectVerdict::kDeleted;
  const bool given_up =
      phase == "Failed" && ConditionField(status, "Ready", "reason") == "Cancelled";
  if (half && object.spec.cancel) return given_up ? ObjectVerdict::kInert : ObjectVerdict::kGivenUp;
  if (phase == "Succeeded" || phase == "Cancelled") return ObjectVerdict::kInert;
  // A later notAfter is the one way on that needs no new runID: nothing was begun.
  if (phase == "Rejected")
    return changed && ConditionField(status, "Ready", "reason") == "Expired"
               ? ObjectVerdict::kRun
               : ObjectVerdict::kInert;
  // Half a restore is gone on with when a person has touched the object.
  if (phase == "Failed")
    return changed && half && !given_up && !object.spec.paused ? ObjectVerdict::kRun
                                                               : ObjectVerdict::kInert;
  if (phase == "AwaitingApproval") return changed ? ObjectVerdict::kRun : ObjectVerdict::kWaits;
  return ObjectVerdict::kRun;
}

Aftermath After(Ending ending, const Error& error, const Circumstances& now) {
  const bool interrupted = error.reason == "Interrupted" || error.reason == "LeaseLost";
  const bool may_pass = error.kind == ErrorKind::kTransient;
  // Cut off by us: the next leader goes on, and nobody must read of a failure in between.
  if (interrupted && !now.cancel)
    return {false, false, now.stopping ? std::nullopt : std::optional(0s)};
  switch (ending) {
    case Ending::kRunning:
    case Ending::kInterrupted:
      return {false, false, Duration(0)};
    case Ending::kLocked:
      return {true, false, 30s};
    case Ending::kAwaitingApproval:
      return {true, false, std::nullopt};
    case Ending::kNeedsAttention:
      if (now.cancel) return {true, true, std::nullopt};
      // What may pass is tried again for as long as it takes: the cluster is down.
      return {true, false, may_pass ? std::optional<Duration>(60s) : std::nullopt};
    case Ending::kPreflightFailed:
      // A node that reboots, a store that is busy: nothing was changed, and nobody need come.
      if (may_pass && now.early) return {true, false, 20s};
      return {true, true, std::nullopt};
    case Ending::kDone:
    case Ending::kFailed:
    case Ending::kRejected:
    case Ending::kCancelled:
    case Ending::kDeadline:
      return {true, true, std::nullopt};
  }
  return {};
}

}  // namespace etcdrestore
