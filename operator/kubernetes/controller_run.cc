// A run of one object and what it leaves: the ledger, the status, the finalizer, the next try.
#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/run_watch.h"
#include "operator/kubernetes/status_document.h"

namespace etcdrestore {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

namespace {

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

}  // namespace

/// Known as running, so that a change of its object can stop it.
class Controller::Enlisted {
 public:
  Enlisted(Controller& controller, std::string key, Running& running)
      : controller_(controller), key_(std::move(key)) {
    const std::lock_guard lock(controller_.mutex_);
    controller_.running_[key_] = &running;
  }
  ~Enlisted() {
    const std::lock_guard lock(controller_.mutex_);
    controller_.running_.erase(key_);
  }
  Enlisted(const Enlisted&) = delete;
  Enlisted& operator=(const Enlisted&) = delete;

 private:
  Controller& controller_;
  std::string key_;
};

void Controller::RunIt(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry,
                       const Values& values, KubeObject copy) {
  Running running;
  running.uid = object.uid;
  std::optional<Enlisted> enlisted(std::in_place, *this, item.key, running);
  const std::stop_callback operator_stops(call.stop, [&] { running.stop.request_stop(); });
  StatusPublisher publisher({api_, deps_.clock, deps_.log}, object);
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
  RunRequest request;
  request.how_to_approve =
      "etcdrestore approve " + object.name + " -n " + object.name_space + " --plan-hash ";
  const SessionInput input{
      .object = object,
      .values = values,
      .state_dir = deps_.state_dir,
      .rke = deps_.rke,
      .local_files = false,
      .lock_file = false,
      .known_hosts_file = "",
      .request = std::move(request),
      .may_act = [&] { return watch.MayAct(); },
      .may_run_until = [&] { return deps_.guard.Until(); },
      .on_status = [&](const Json& status,
                       const RunRecord& record) { watch.OnStatus(status, record); },
      .meter = &deps_.observer};
  const SessionResult result = deps_.run(mine, input, watch);
  enlisted.reset();
  Settle(call, item, object, std::move(entry), publisher, result);
}

/// What a run that ended leaves: the ledger, the status, the next try.
void Controller::Settle(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry,
                        StatusPublisher& publisher, const SessionResult& result) {
  Json status = result.status;
  if (!status.is_object()) {
    const bool passes = result.error.kind == ErrorKind::kTransient;
    const char* phase = passes || result.ending == Ending::kLocked ? "Pending" : "Rejected";
    status = OutsideRunStatus(object, phase, result.error.reason, result.error.message,
                              deps_.clock.Now());
  }
  const CachedObject now = deps_.cache.Find(KubeName::FromKey(item.key));
  const bool cancel = now && now->value("spec", KubeObject::object()).value("cancel", false);
  const bool stopping = call.stop.stop_requested() || !deps_.guard.Check();
  const Aftermath next = After(result.ending, result.error, stopping, cancel);
  if (cancel && result.ending == Ending::kNeedsAttention) TellCancelled(status, *now);
  if (next.again) Later(item, *next.again);
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

void Controller::Finish(const Call& call, Pass& item, const EtcdRestore& object,
                        const LedgerEntry& entry, const SessionResult& result, const Json& status) {
  const std::string phase = status.value("phase", "");
  const bool bad = phase == "Failed" || phase == "Rejected";
  if (result.ending == Ending::kAwaitingApproval) {
    deps_.events.Record(object, {true, "AwaitingApproval", "Approve", result.error.message});
    return AwaitApproval(call, item, object);
  }
  if (!bad && phase != "Succeeded" && phase != "Cancelled") return;
  const bool once_more = result.ending == Ending::kNeedsAttention && entry.finished_at.empty() &&
                         result.error.kind == ErrorKind::kTransient;
  if (!once_more) deps_.observer.OnRunEnded(object, status);
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

Status Controller::SetFinalizer(const Call& call, const EtcdRestore& object, bool on) {
  KubeObject body = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", object.name}, {"namespace", object.name_space}, {"uid", object.uid}}}};
  if (on) body["metadata"]["finalizers"] = Json::array({kFinalizer});
  const auto wrote = api_.Write(
      call, {KubeVerb::kApply, kEtcdRestores, {object.name_space, object.name}, "", body});
  if (wrote) return {};
  const std::string& reason = wrote.error().reason;
  const bool gone = reason == "NotFound" || reason == "Conflict";
  return gone && !on ? Status() : Status(wrote.error());
}

}  // namespace etcdrestore
