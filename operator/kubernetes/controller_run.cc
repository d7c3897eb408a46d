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
  status = OfGeneration(std::move(status), now["metadata"].value("generation", std::int64_t{0}));
  for (Json& condition : status["conditions"]) {
    if (condition["reason"] != "Interrupted") continue;
    condition["reason"] = "Cancelled";
    condition["message"] = kCancelledHalfDone;
  }
}

/// When the first of the tries began of which this one is the next; "" for the first. What was
/// waited for meanwhile, an approval or a Secret, begins the count anew.
std::string TriedSince(const EtcdRestore& object) {
  const Json& status = StatusOf(object);
  const bool again =
      TextField(status, "runID") == object.spec.run_id && TextField(status, "phase") == "Preflight";
  return again ? TextField(status, "startTime") : "";
}

bool InTimeForPreflight(const EtcdRestore& object, SystemTime now) {
  const auto since = ParseTime(TriedSince(object));
  return !since || now - *since < object.spec.deadlines.preflight;
}

/// What a run's last status tells the record; true when that is new.
bool ChangeEntry(LedgerEntry& entry, const Json& status, bool finished, SystemTime now) {
  const std::string phase = status.value("phase", "Failed");
  const bool committed = !entry.committed_at.empty();
  // Refused was what is asked for now; what was half done under this runID is half done still.
  if (committed && phase == "Rejected") return false;
  // Every node was seen, and none had begun: the commit came to nothing.
  const bool withdrawn = committed && !status.contains("pointOfNoReturn");
  if (withdrawn) entry.committed_at.clear();
  if (finished) entry.End(phase, now);
  return withdrawn || finished;
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
  running.committed = HalfDone(object);
  std::optional<Enlisted> enlisted(std::in_place, *this, item.key, running);
  const std::stop_callback operator_stops(call.stop, [&] { running.stop.request_stop(); });
  // What came between the look at the object and here reached nobody else.
  if (StopAsked(object)) running.stop.request_stop();
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
                    if (StopAsked(object))
                      return Transient("Interrupted", "the object asks this run to end");
                    item.took = true;
                    if (Status held = SetFinalizer(one, object, true); !held) return held;
                    if (Status kept = deps_.ledger.KeepInputs(one, object, copy); !kept)
                      return kept;
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
  request.how_to_take_over =
      "The nodes are looked at again twice a minute; a process that is gone loses them after one";
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
      .may_act = [&](bool changes) { return watch.MayAct(changes); },
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
  const bool stopping = call.stop.stop_requested() || !deps_.guard.Check();
  if (!result.status.is_object()) {
    if (!stopping) SettleUnbegun(call, item, object, std::move(entry), result);
    return;
  }
  const CachedObject now = deps_.cache.Find(KubeName::FromKey(item.key));
  const bool cancel = now && now->value("spec", KubeObject::object()).value("cancel", false);
  const Aftermath next = After(result.ending, result.error,
                               {stopping, cancel, InTimeForPreflight(object, deps_.clock.Now())});
  if (next.again) Later(item, *next.again);
  if (!next.publish || stopping) return;
  Json status = result.status;
  if (cancel && result.ending == Ending::kNeedsAttention) TellCancelled(status, *now);
  if (next.again && result.ending != Ending::kLocked) {
    status = TriedAgain(std::move(status), result.ending == Ending::kNeedsAttention);
    if (const std::string since = TriedSince(object); !since.empty()) status["startTime"] = since;
    deps_.events.Record(
        object, {true, "TriedAgain", "Restore", result.error.reason + ": " + result.error.message});
  }
  if (next.finished && result.ending == Ending::kDone) {
    const Status kept = KeepOutputs(call, object, result, status);
    if (!kept && kept.error().kind == ErrorKind::kTransient) return Again(item, kept.error());
    // The cluster is back; what was not kept for people still lies where it was made.
    if (!kept)
      status["outputs"]["clusterState"] = "not kept: " + kept.error().message + ". It lies in " +
                                          result.made.begin()->second + " on the operator's volume";
  }
  // First the ledger: should the status be lost, it is made again from there.
  if (ChangeEntry(entry, status, next.finished, deps_.clock.Now())) {
    const Call one = call.Within(60s);
    // Given up, a run that has ended would be looked at anew.
    const Status wrote = Insist(one, 1s, [&] { return deps_.ledger.Write(one, object, entry); });
    if (!wrote) return Again(item, wrote.error());
  }
  deps_.log.Info("Run ended", {{"namespace", object.name_space},
                               {"name", object.name},
                               {"runId", object.spec.run_id},
                               {"phase", status.value("phase", "")},
                               {"reason", result.error.reason},
                               {"error", result.error.message}});
  const Status told = publisher.WriteNow(call.Within(60s), status);
  deps_.observer.OnStatus(object, status);
  if (!told && !ObjectGone(told.error())) return Again(item, told.error());
  Finish(call, item, object, entry, result, status);
}

/// It did not come as far as to look at a node: an input that cannot be read, a lock.
void Controller::SettleUnbegun(const Call& call, Pass& item, const EtcdRestore& object,
                               LedgerEntry entry, const SessionResult& result) {
  const bool locked = result.ending == Ending::kLocked;
  const bool passes = locked || result.error.kind == ErrorKind::kTransient;
  Say(call, item, object, passes ? "Pending" : "Rejected", result.error.reason,
      result.error.message);
  if (locked) return Later(item, 30s);
  if (passes) return Again(item, result.error);
  if (HalfDone(object) || !entry.committed_at.empty())
    return;  // a person mends what it names, and the same run goes on
  if (item.took && !LetGo(call, item, object)) return;
  entry.End("Rejected", deps_.clock.Now());
  if (Status wrote = deps_.ledger.Write(call, object, entry); !wrote)
    return Again(item, wrote.error());
  deps_.observer.OnRunEnded(object, {{"phase", "Rejected"}});
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
  deps_.observer.OnRunEnded(object, status);
  deps_.events.Record(object, {bad, "Restore" + phase, "Restore",
                               bad ? result.error.reason + ": " + result.error.message
                                   : "run " + object.spec.run_id + " ended"});
  // Half a restore that waits for a person needs its finalizer and its inputs.
  if (item.took && !entry.finished_at.empty() && !LetGo(call, item, object)) return;
  deps_.queue.Forget(item.key);
}

}  // namespace etcdrestore
