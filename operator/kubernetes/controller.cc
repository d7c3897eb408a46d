#include "operator/kubernetes/controller.h"

#include "operator/kubernetes/api_values.h"
#include "operator/kubernetes/status_document.h"
#include "operator/kubernetes/status_publisher.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// The watch brings our own writes in a moment.
constexpr auto kCacheLag = 100ms;

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
  return Judge(BareObject(before)) != ObjectVerdict::kRun &&
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

std::string PhaseOf(const EtcdRestore& object) {
  const Json status = object.raw.value("status", Json::object());
  return status.value("runID", "") == object.spec.run_id ? status.value("phase", "") : "";
}

std::string ReadyField(const EtcdRestore& object, const char* field) {
  return ConditionField(object.raw.value("status", Json::object()), "Ready", field);
}

/// What waits long is looked at seldom: thousands may wait for a Secret.
Duration PauseOf(const EtcdRestore& object, const std::string& reason, SystemTime now) {
  if (ReadyField(object, "reason") != reason) return 10s;
  const auto since = ParseTime(ReadyField(object, "lastTransitionTime"));
  return since ? std::clamp<Duration>((now - *since) / 4, 10s, 60s) : 10s;
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
    Pass pass{*item};
    HandleSafely(call, pass);
    const std::chrono::duration<double> took = deps_.clock.Steady() - start;
    deps_.observer.OnReconciled(pass.result, took.count());
    deps_.queue.Done(item->key);
  }
}

/// One object that we cannot handle must not keep all others from being handled.
void Controller::HandleSafely(const Call& call, Pass& item) {
  try {
    Handle(call, item);
  } catch (const std::exception& defect) {
    deps_.observer.OnPanic();
    Again(item, Transient("Defect", std::string("an exception nobody expected: ") + defect.what()));
  }
}

void Controller::Handle(const Call& call, Pass& item) {
  const KubeName name = KubeName::FromKey(item.key);
  const CachedObject cached = deps_.cache.Find(name);
  if (!cached) {
    api_.Forget(name);
    return deps_.queue.Forget(item.key);
  }
  // Judged by an older status, a run that has ended would begin again.
  if (!api_.SeenIn(*cached)) return Later(item, kCacheLag);
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

void Controller::HandleObject(const Call& call, Pass& item, const EtcdRestore& object) {
  deps_.observer.OnStatus(object, object.raw["status"]);
  const ObjectVerdict verdict = Judge(object);
  const auto finalizers = object.raw["metadata"].value("finalizers", Json::array());
  const bool held = std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end();
  if (verdict != ObjectVerdict::kRun) {
    if (held) {
      if (Status freed = SetFinalizer(call, object, false); !freed)
        return Again(item, freed.error());
    }
    if (verdict == ObjectVerdict::kWaits) return AwaitApproval(call, item, object);
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
    if (Expired(object, deps_.clock.Now())) return Expire(call, object);
    if (const std::string other = HalfDoneElsewhere(object); !other.empty()) {
      Say(call, object, "Pending", "LockedByOther",
          other + " has restored half of cluster " + object.spec.cluster_name +
              "; this object waits for its end");
      return Later(item, 10s);
    }
  }
  Begin(call, item, object);
}

void Controller::Expire(const Call& call, const EtcdRestore& object) {
  Say(call, object, "Rejected", "Expired",
      "spec.notAfter, by default a day after the object was made, has passed; nothing was changed. "
      "Set a later spec.notAfter to go on");
}

void Controller::AwaitApproval(const Call& call, Pass& item, const EtcdRestore& object) {
  const SystemTime now = deps_.clock.Now();
  if (Expired(object, now)) return Expire(call, object);
  Later(item, object.NotAfter(now) - now + 1s);
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

void Controller::Begin(const Call& call, Pass& item, const EtcdRestore& object) {
  auto known = deps_.ledger.Read(call, object);
  if (!known && known.error().kind == ErrorKind::kTerminal) {
    deps_.observer.OnTerminalError();
    return Say(call, object, "Rejected", known.error().reason, known.error().message);
  }
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
    auto read = ApiValues::Read(call, api_, object);
    if (!read) {
      Say(call, object, "Pending", read.error().reason, read.error().message);
      return Again(item, read.error());
    }
    values = std::move(*read);
  }
  if (Status all = CheckReferences(*values, object.spec); !all) {
    Say(call, object, "Pending", all.error().reason, "waiting: " + all.error().message);
    return Later(item, PauseOf(object, all.error().reason, deps_.clock.Now()));
  }
  if (Status wrote = deps_.ledger.Write(call, object, entry); !wrote)
    return Again(item, wrote.error());
  KubeObject copy = values->CopyOf();
  RunIt(call, item, object, std::move(entry), *values, std::move(copy));
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
  StatusPublisher publisher({api_, deps_.clock, deps_.log}, object);
  (void)publisher.WriteNow(call.Within(20s), status);
  deps_.observer.OnStatus(object, status);
  const bool worth_it =
      phase == "Rejected" || reason == "ReferenceNotFound" || reason == "LockedByOther";
  // What goes on waiting was told of.
  if (worth_it && ReadyField(object, "reason") != reason)
    deps_.events.Record(object, {true, reason, "Look", message});
}

void Controller::Again(Pass& item, const Error& error) {
  deps_.log.Warn("Trying again",
                 {{"key", item.key}, {"reason", error.reason}, {"error", error.message}});
  item.result = "error";
  deps_.queue.AddFailed(item.key, item.lane);
}

void Controller::Later(Pass& item, Duration pause) {
  item.result = "requeue_after";
  deps_.queue.AddAfter(item.key, item.lane, pause);
}

}  // namespace etcdrestore
