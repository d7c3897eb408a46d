#include "operator/kubernetes/controller.h"

#include "operator/kubernetes/api_values.h"
#include "operator/kubernetes/run_watch.h"
#include "operator/kubernetes/status_document.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

std::string LaneOf(const KubeObject& object) {
  const KubeObject spec = object.value("spec", KubeObject::object());
  const auto cluster = spec.find("clusterName");
  return cluster != spec.end() && cluster->is_string() ? cluster->get<std::string>() : "";
}

/// What a person or a GitOps tool can change; our own status writes are not among it.
bool ChangedByOthers(const KubeObject& before, const KubeObject& now) {
  const auto part = [](const KubeObject& object, const char* field) {
    return object["metadata"].value(field, KubeObject());
  };
  return part(before, "generation") != part(now, "generation") ||
         part(before, "deletionTimestamp") != part(now, "deletionTimestamp") ||
         part(before, "annotations") != part(now, "annotations");
}

/// The management cluster itself was restored: what had ended has not ended any more.
bool WentBack(const KubeObject& before, const KubeObject& now) {
  return Judge(BareObject(before)) == ObjectVerdict::kInert &&
         Judge(BareObject(now)) == ObjectVerdict::kRun;
}

/// The status is ours and is not judged again: an older version of it must not refuse the object.
Result<EtcdRestore> Parsed(const KubeObject& cached) {
  KubeObject plain = cached;
  const KubeObject status = cached.value("status", KubeObject::object());
  plain.erase("status");
  auto object = ParseEtcdRestore(plain);
  if (object) object->raw["status"] = status;
  return object;
}

KubeName NameFrom(const std::string& key) {
  const std::size_t slash = key.find('/');
  return {key.substr(0, slash), key.substr(slash + 1)};
}

/// Of a run that was cancelled half done: "interrupted" would not tell what comes next.
void TellCancelled(Json& status, const KubeObject& now) {
  const auto generation = now["metadata"].value("generation", std::int64_t{0});
  status["observedGeneration"] = generation;
  for (Json& condition : status["conditions"]) {
    condition["observedGeneration"] = generation;
    if (condition["reason"] != "Interrupted") continue;
    condition["reason"] = "Cancelled";
    condition["message"] =
        "spec.cancel stopped the run after its point of no return: the cluster is half restored, "
        "status.nodes tells how far. A new spec.runID, with spec.cancel false, restores it";
  }
}

std::string PhaseOf(const EtcdRestore& object) {
  const Json status = object.raw.value("status", Json::object());
  return status.value("runID", "") == object.spec.run_id ? status.value("phase", "") : "";
}

}  // namespace

bool Expired(const EtcdRestore& object, SystemTime now) {
  return !HalfDone(object) && object.NotAfter(now) < now;
}

void Controller::Changed(const ObjectChange& change) {
  const std::string key = change.name.Key();
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(key);
  if (!change.now) {
    if (running != running_.end() && !running->second->committed)
      running->second->stop.request_stop();
    deps_.observer.OnGone(change.name);
    return;
  }
  if (running != running_.end()) {
    const KubeObject spec = change.now->value("spec", KubeObject::object());
    const bool leaving =
        (*change.now)["metadata"].contains("deletionTimestamp") || spec.value("paused", false);
    if (spec.value("cancel", false) || (leaving && !running->second->committed))
      running->second->stop.request_stop();
  }
  if (!change.before || ChangedByOthers(*change.before, *change.now) ||
      WentBack(*change.before, *change.now))
    deps_.queue.Add(key, LaneOf(*change.now));
}

void Controller::Work(const Call& call) {
  while (auto item = deps_.queue.Take(call)) {
    const SteadyTime start = deps_.clock.Steady();
    deps_.observer.OnTaken(item->added, start);
    Handle(call, *item);
    const std::chrono::duration<double> took = deps_.clock.Steady() - start;
    deps_.observer.OnReconciled("success", took.count());
    deps_.queue.Done(item->key);
  }
}

void Controller::Handle(const Call& call, const WorkItem& item) {
  const CachedObject cached = deps_.cache.Find(NameFrom(item.key));
  if (!cached) return deps_.queue.Forget(item.key);
  // At its end and let go of: not even parsed, for there may be thousands.
  const EtcdRestore bare = BareObject(*cached);
  if (Judge(bare) == ObjectVerdict::kInert && !bare.raw["metadata"].contains("finalizers")) {
    deps_.observer.OnStatus(bare, bare.raw["status"]);
    return deps_.queue.Forget(item.key);
  }
  auto object = Parsed(*cached);
  if (object) return HandleObject(call, item, *object);
  if (PhaseOf(bare) == "Rejected") return deps_.queue.Forget(item.key);
  Say(call, bare, "Rejected", object.error().reason, object.error().message);
}

void Controller::HandleObject(const Call& call, const WorkItem& item, const EtcdRestore& object) {
  deps_.observer.OnStatus(object, object.raw["status"]);
  const ObjectVerdict verdict = Judge(object);
  const auto finalizers = object.raw["metadata"].value("finalizers", Json::array());
  const bool held = std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end();
  if (verdict != ObjectVerdict::kRun) {
    if (held) {
      if (Status freed = SetFinalizer(call, object, false); !freed)
        return Again(item, freed.error());
    }
    return deps_.queue.Forget(item.key);
  }
  if (!item.held_by.empty()) {
    return Say(call, object, "Pending", "LockedByOther",
               item.held_by + " restores cluster " + object.spec.cluster_name +
                   "; this object waits for its end");
  }
  if (!HalfDone(object)) {
    if (object.spec.cancel)
      return Say(call, object, "Cancelled", "Cancelled",
                 "spec.cancel is true; nothing was changed");
    if (object.spec.paused)
      return Say(call, object, "Pending", "Paused", "spec.paused is true; nothing was changed");
    if (Expired(object, deps_.clock.Now()))
      return Say(call, object, "Rejected", "Expired",
                 "spec.notAfter, by default a day after the object was made, has passed; nothing "
                 "was changed. Set a later spec.notAfter to go on");
    if (const std::string other = HalfDoneElsewhere(object); !other.empty()) {
      Say(call, object, "Pending", "LockedByOther",
          other + " has restored half of cluster " + object.spec.cluster_name +
              "; this object waits for its end");
      return deps_.queue.AddAfter(item.key, item.lane, 10s);
    }
  }
  Begin(call, item, object);
}

/// After a change of leaders the queue does not know which object of a cluster came first.
std::string Controller::HalfDoneElsewhere(const EtcdRestore& object) const {
  const std::string same = "\"clusterName\":" + KubeObject(object.spec.cluster_name).dump();
  const CachedObject found = deps_.cache.FindIf(same, [&](const KubeObject& cached) {
    const EtcdRestore other = BareObject(cached);
    return other.uid != object.uid && other.spec.cluster_name == object.spec.cluster_name &&
           HalfDone(other) && Judge(other) == ObjectVerdict::kRun;
  });
  return found ? NameOf(*found).Key() : "";
}

void Controller::Begin(const Call& call, const WorkItem& item, const EtcdRestore& object) {
  auto known = deps_.ledger.Read(call, object);
  if (!known && known.error().kind == ErrorKind::kTerminal)
    return Say(call, object, "Rejected", known.error().reason, known.error().message);
  if (!known) return Again(item, known.error());
  const LedgerVerdict verdict = JudgeEntry(*known, object.uid);
  if (verdict == LedgerVerdict::kFinished) {
    return Say(call, object, (*known)->phase, "AlreadyRan",
               "this run ended at " + (*known)->finished_at + " (" + (*known)->phase +
                   ") and happens once; nothing was done. To restore again give a new runID");
  }
  if (verdict == LedgerVerdict::kForeign) {
    return Say(call, object, "Rejected", "RunIDUsed",
               "an earlier object of this name used this runID at " + (*known)->started_at +
                   "; nothing was done. Give a new runID");
  }
  LedgerEntry entry = known->value_or(
      LedgerEntry{object.RunKey(), object.uid, FormatTime(deps_.clock.Now()), "", "", ""});
  std::optional<ApiValues> values;
  if (!entry.committed_at.empty()) {
    auto copy = deps_.ledger.Inputs(call, object);
    if (!copy) return Again(item, copy.error());
    if (*copy) values = ApiValues::FromCopy(**copy, object);
  }
  if (!values) {
    auto read = ApiValues::Read(call, deps_.api, object);
    if (!read) {
      Say(call, object, "Pending", read.error().reason, read.error().message);
      return Again(item, read.error());
    }
    values = std::move(*read);
  }
  if (Status all = CheckReferences(*values, object.spec); !all) {
    Say(call, object, "Pending", all.error().reason, "waiting: " + all.error().message);
    return deps_.queue.AddAfter(item.key, item.lane, 10s);
  }
  if (Status wrote = deps_.ledger.Write(call, object, entry); !wrote)
    return Again(item, wrote.error());
  KubeObject copy = values->CopyOf();
  RunIt(call, item, object, std::move(entry), *values, std::move(copy));
}

void Controller::RunIt(const Call& call, const WorkItem& item, const EtcdRestore& object,
                       LedgerEntry entry, const Values& values, KubeObject copy) {
  Running running;
  running.uid = object.uid;
  {
    const std::lock_guard lock(mutex_);
    running_[item.key] = &running;
  }
  const std::stop_callback operator_stops(call.stop, [&] { running.stop.request_stop(); });
  StatusPublisher publisher({deps_.api, deps_.clock, deps_.log}, object);
  if (!HalfDone(object)) {
    (void)publisher.WriteNow(
        call.Within(20s),
        OutsideRunStatus(object, "Pending", "Starting", "looking at the nodes", deps_.clock.Now()));
  }
  Call mine = call;
  mine.stop = running.stop.get_token();
  Call commit_call = call;
  commit_call.stop = {};
  RunWatch watch({publisher, deps_.events, deps_.observer, deps_.log, deps_.guard,
                  [&]() -> Status {
                    const Call one = commit_call.Within(30s);
                    if (Status kept = deps_.ledger.KeepInputs(one, object, copy); !kept)
                      return kept;
                    if (Status held = SetFinalizer(one, object, true); !held) return held;
                    if (entry.committed_at.empty())
                      entry.committed_at = FormatTime(deps_.clock.Now());
                    return deps_.ledger.Write(one, object, entry);
                  },
                  [&] {
                    const std::lock_guard lock(mutex_);
                    running.committed = true;
                  }},
                 object);
  const SessionInput input{
      .object = object,
      .values = values,
      .state_dir = deps_.state_dir,
      .rke = deps_.rke,
      .local_files = false,
      .lock_file = false,
      .known_hosts_file = "",
      .request = {},
      .may_act = [&] { return watch.MayAct(); },
      .may_run_until = [&] { return deps_.guard.Until(); },
      .on_status = [&](const Json& status,
                       const RunRecord& record) { watch.OnStatus(status, record); }};
  const SessionResult result = deps_.run(mine, input, watch);
  {
    const std::lock_guard lock(mutex_);
    running_.erase(item.key);
  }
  Settle(call, item, object, std::move(entry), publisher, result);
}

/// What a run that ended leaves: the ledger, the status, the next try.
void Controller::Settle(const Call& call, const WorkItem& item, const EtcdRestore& object,
                        LedgerEntry entry, StatusPublisher& publisher,
                        const SessionResult& result) {
  Json status = result.status;
  if (!status.is_object()) {
    const bool passes = result.error.kind == ErrorKind::kTransient;
    const char* phase = passes || result.ending == Ending::kLocked ? "Pending" : "Rejected";
    status = OutsideRunStatus(object, phase, result.error.reason, result.error.message,
                              deps_.clock.Now());
  }
  const CachedObject now = deps_.cache.Find(NameFrom(item.key));
  const bool cancel = now && now->value("spec", KubeObject::object()).value("cancel", false);
  const bool stopping = call.stop.stop_requested() || !deps_.guard.Check();
  const Aftermath next = After(result.ending, result.error, stopping, cancel);
  if (cancel && result.ending == Ending::kNeedsAttention) TellCancelled(status, *now);
  if (next.again) deps_.queue.AddAfter(item.key, item.lane, *next.again);
  if (!next.publish || stopping) return;
  // A run that never began may be tried again when what stopped it may pass.
  if (!result.status.is_object() && result.error.kind == ErrorKind::kTransient)
    return Again(item, result.error);
  if (next.finished && result.ending == Ending::kDone) {
    if (Status kept = KeepOutputs(call, object, result, status); !kept)
      deps_.log.Warn("Outputs not kept", {{"error", kept.error().message}});
  }
  deps_.log.Info("Run ended", {{"namespace", object.name_space},
                               {"name", object.name},
                               {"runId", object.spec.run_id},
                               {"phase", status.value("phase", "")},
                               {"reason", result.error.reason},
                               {"error", result.error.message}});
  // First the ledger: should the status be lost, it is made again from there.
  if (next.finished) {
    entry.finished_at = FormatTime(deps_.clock.Now());
    entry.phase = status.value("phase", "Failed");
    if (Status wrote = deps_.ledger.Write(call, object, entry); !wrote)
      deps_.log.Warn("Ledger not written", {{"error", wrote.error().message}});
  }
  (void)publisher.WriteNow(call.Within(60s), status);
  deps_.observer.OnStatus(object, status);
  Finish(call, item, object, entry, result, status);
}

void Controller::Finish(const Call& call, const WorkItem& item, const EtcdRestore& object,
                        const LedgerEntry& entry, const SessionResult& result, const Json& status) {
  const std::string phase = status.value("phase", "");
  const bool bad = phase == "Failed" || phase == "Rejected";
  if (result.ending == Ending::kAwaitingApproval) {
    deps_.events.Record(object, {true, "AwaitingApproval", "Approve", result.error.message});
    const SystemTime now = deps_.clock.Now();
    deps_.queue.AddAfter(item.key, item.lane, object.NotAfter(now) - now + 1s);
    return;
  }
  if (!bad && phase != "Succeeded" && phase != "Cancelled") return;
  deps_.observer.OnRunEnded(object, status);
  deps_.events.Record(object, {bad, "Restore" + phase, "Restore",
                               bad ? result.error.reason + ": " + result.error.message
                                   : "run " + object.spec.run_id + " ended"});
  if (!entry.committed_at.empty()) {
    if (entry.finished_at.empty()) return;  // tried again: finalizer and inputs are still needed
    if (Status freed = SetFinalizer(call, object, false); !freed) Again(item, freed.error());
    (void)deps_.ledger.DropInputs(call, object);
  }
  deps_.queue.Forget(item.key);
}

void Controller::Say(const Call& call, const EtcdRestore& object, const std::string& phase,
                     const std::string& reason, const std::string& message) {
  Json status = OutsideRunStatus(object, phase, reason, message, deps_.clock.Now());
  // Without its point of no return half a restore would pass for one that changed nothing.
  if (HalfDone(object)) {
    Json kept = object.raw["status"];
    kept.update(status);
    status = std::move(kept);
  }
  StatusPublisher publisher({deps_.api, deps_.clock, deps_.log}, object);
  (void)publisher.WriteNow(call.Within(20s), status);
  deps_.observer.OnStatus(object, status);
  if (phase == "Rejected" || reason == "ReferenceNotFound" || reason == "LockedByOther")
    deps_.events.Record(object, {true, reason, "Look", message});
}

void Controller::Again(const WorkItem& item, const Error& error) {
  deps_.log.Warn("Trying again",
                 {{"key", item.key}, {"reason", error.reason}, {"error", error.message}});
  deps_.observer.OnReconciled("error", 0);
  deps_.queue.AddFailed(item.key, item.lane);
}

Status Controller::SetFinalizer(const Call& call, const EtcdRestore& object, bool on) {
  KubeObject body = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", object.name}, {"namespace", object.name_space}, {"uid", object.uid}}}};
  if (on) body["metadata"]["finalizers"] = Json::array({kFinalizer});
  const auto wrote = deps_.api.Write(
      call, {KubeVerb::kApply, kEtcdRestores, {object.name_space, object.name}, "", body});
  if (wrote) return {};
  const std::string& reason = wrote.error().reason;
  const bool gone = reason == "NotFound" || reason == "Conflict";
  return gone && !on ? Status() : Status(wrote.error());
}

}  // namespace etcdrestore
