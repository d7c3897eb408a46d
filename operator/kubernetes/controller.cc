#include "operator/kubernetes/controller.h"

#include "operator/kubernetes/status_document.h"
#include "operator/kubernetes/status_publisher.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// The watch brings our own writes in a moment.
constexpr auto kCacheLag = 100ms;

std::string LaneOf(const KubeObject& object) {
  return TextField(object.value("spec", KubeObject::object()), "clusterName");
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

/// As far as its status tells.
bool HasEnded(const KubeObject& object) {
  const auto status = object.find("status");
  return status != object.end() && status->is_object() && AtItsEnd(status->value("phase", ""));
}

/// What ends a run at its next safe point. Half a restore is not stopped by a deletion.
bool AsksToStop(const KubeObject& now, bool committed) {
  const KubeObject spec = now.value("spec", KubeObject::object());
  if (spec.value("cancel", false) || spec.value("paused", false)) return true;
  return !committed && now["metadata"].contains("deletionTimestamp");
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
  const Json& status = StatusOf(object);
  return status.value("runID", "") == object.spec.run_id ? status.value("phase", "") : "";
}

std::string ReadyField(const EtcdRestore& object, const char* field) {
  return ConditionField(StatusOf(object), "Ready", field);
}

}  // namespace

bool Held(const EtcdRestore& object) {
  const auto finalizers = object.raw["metadata"].find("finalizers");
  return finalizers != object.raw["metadata"].end() &&
         std::find(finalizers->begin(), finalizers->end(), kFinalizer) != finalizers->end();
}

bool Acknowledged(const EtcdRestore& object) {
  return StatusOf(object).value("observedGeneration", std::int64_t{-1}) == object.generation;
}

bool Expired(const EtcdRestore& object, SystemTime now) {
  return !HalfDone(object) && object.NotAfter(now) < now;
}

void Controller::Hear(const ObjectChange& change) {
  const std::string key = change.name.Key();
  api_.Changed(change.name, change.now);
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(key);
  if (!change.now) {
    if (running != running_.end() && !running->second->committed)
      running->second->stop.request_stop();
    deps_.observer.OnGone(change.name);
    return;
  }
  if (running != running_.end() && AsksToStop(*change.now, running->second->committed))
    running->second->stop.request_stop();
  if (!change.before || ChangedByOthers(*change.before, *change.now) ||
      WentBack(*change.before, *change.now))
    deps_.queue.Add(key, LaneOf(*change.now),
                    change.first_list && HasEnded(*change.now) ? Urgency::kLow : Urgency::kNormal);
}

void Controller::Changed(const ObjectChange& change) {
  try {
    Hear(change);
  } catch (const std::exception& defect) {
    deps_.observer.OnPanic();
    deps_.log.Warn("An object that cannot be read",
                   {{"key", change.name.Key()}, {"error", defect.what()}});
    deps_.queue.Add(change.name.Key(), change.name.Key());
  }
}

bool Controller::StopAsked(const EtcdRestore& object) const {
  const CachedObject now = deps_.cache.Find({object.name_space, object.name});
  const bool half = HalfDone(object);
  if (!now || MetaOf(*now, "uid") != object.uid) return !half;
  return AsksToStop(*now, half);
}

void Controller::Work(const Call& call) {
  while (auto item = deps_.queue.Take(call)) {
    const SteadyTime start = deps_.clock.Steady();
    deps_.observer.OnTaken(item->added, start);
    Pass pass{*item};
    HandleSafely(call, pass);
    const std::chrono::duration<double> took = deps_.clock.Steady() - start;
    deps_.observer.OnReconciled(pass.result, took.count());
    // What its run said last, after it was deleted, is not to be shown for ever.
    const KubeName name = KubeName::FromKey(item->key);
    if (!deps_.cache.Has(name)) deps_.observer.OnGone(name);
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
  CachedObject cached = deps_.cache.Find(name);
  if (!cached) {
    api_.Forget(name);
    return deps_.queue.Forget(item.key);
  }
  // Judged by an older status, a run that has ended would begin again.
  const Freshness fresh = api_.Of(*cached);
  if (fresh == Freshness::kNotYet) return Later(item, kCacheLag);
  if (fresh == Freshness::kAsk) {
    auto now = api_.Get(call, kEtcdRestores, name);
    if (!now && now.error().reason == "NotFound") return deps_.queue.Forget(item.key);
    if (!now) return Again(item, now.error());
    cached = std::make_shared<const KubeObject>(std::move(*now));
  }
  // At its end and let go of: not even parsed, for there may be thousands.
  const EtcdRestore bare = BareObject(*cached);
  if (Judge(bare) == ObjectVerdict::kInert && Acknowledged(bare) && !Held(bare)) {
    deps_.observer.OnStatus(bare, StatusOf(bare));
    return deps_.queue.Forget(item.key);
  }
  auto object = Parsed(*cached);
  if (object) return HandleObject(call, item, *object);
  if (PhaseOf(bare) == "Rejected" && Acknowledged(bare)) return deps_.queue.Forget(item.key);
  Say(call, item, bare, "Rejected", object.error().reason, object.error().message);
}

void Controller::HandleObject(const Call& call, Pass& item, const EtcdRestore& object) {
  deps_.observer.OnStatus(object, StatusOf(object));
  item.took = Held(object);
  const ObjectVerdict verdict = Judge(object);
  if (verdict == ObjectVerdict::kGivenUp) return GiveUp(call, item, object);
  if (verdict != ObjectVerdict::kRun) return Rest(call, item, object, verdict);
  // Also one that never runs uses up its runID: made anew, or brought back, it starts nothing.
  std::optional<LedgerEntry> entry = Enrolled(call, item, object);
  if (!entry) return;
  if (!entry->committed_at.empty() && !HalfDone(object)) return Remind(call, item, object, *entry);
  if (HeldBack(call, item, object)) return;
  Begin(call, item, object, std::move(*entry));
}

/// The status was lost, with the object or with the management cluster. Told again, all else
/// treats the object as what it is.
void Controller::Remind(const Call& call, Pass& item, const EtcdRestore& object,
                        const LedgerEntry& entry) {
  Json status = OutsideRunStatus(object, "Pending", "HalfDone",
                                 "this run passed its point of no return at " + entry.committed_at +
                                     ", as the operator's record tells",
                                 deps_.clock.Now());
  status["pointOfNoReturn"] = entry.committed_at;
  Publish(call, item, object, status);
  Later(item, kCacheLag);
}

/// Nothing is to be run; what is left of a run is cleared away.
void Controller::Rest(const Call& call, Pass& item, const EtcdRestore& object,
                      ObjectVerdict verdict) {
  const bool over = verdict == ObjectVerdict::kDeleted || !HalfDone(object);
  if (over && item.took && !LetGo(call, item, object)) return;
  if (verdict == ObjectVerdict::kWaits) return AwaitApproval(call, item, object);
  deps_.queue.Forget(item.key);
  // An edit that changes nothing of an end: who waits for the newest generation must not for ever.
  if (verdict == ObjectVerdict::kInert && !Acknowledged(object))
    Publish(call, item, object, OfGeneration(StatusOf(object), object.generation));
}

bool Controller::HeldBack(const Call& call, Pass& item, const EtcdRestore& object) {
  const bool half = HalfDone(object);
  if (!item.held_by.empty()) {
    Say(call, item, object, "Pending", "LockedByOther",
        item.held_by + " restores cluster " + object.spec.cluster_name +
            "; this object waits for its end");
    return true;
  }
  if (object.spec.paused) {
    Say(call, item, object, half ? StatusOf(object).value("phase", "Pending") : "Pending", "Paused",
        half ? "spec.paused is true: the cluster is half restored, and it goes on when spec.paused "
               "is false"
             : "spec.paused is true; nothing was changed");
    return true;
  }
  if (half) return false;
  // A commit that was tried and refused has left it; nothing was done under it.
  const bool expired = Expired(object, deps_.clock.Now());
  if ((object.spec.cancel || expired) && item.took && !LetGo(call, item, object)) return true;
  if (object.spec.cancel) {
    Say(call, item, object, "Cancelled", "Cancelled", "spec.cancel is true; nothing was changed");
    return true;
  }
  if (expired) {
    Expire(call, item, object);
    return true;
  }
  const std::string other = HalfDoneElsewhere(object);
  if (other.empty()) return false;
  Say(call, item, object, "Pending", "LockedByOther",
      other + " has restored half of cluster " + object.spec.cluster_name +
          "; this object waits for its end");
  Later(item, 10s);
  return true;
}

void Controller::Expire(const Call& call, Pass& item, const EtcdRestore& object) {
  Say(call, item, object, "Rejected", "Expired",
      "spec.notAfter, by default a day after the object was made, has passed; nothing was changed. "
      "Set a later spec.notAfter to go on");
}

void Controller::AwaitApproval(const Call& call, Pass& item, const EtcdRestore& object) {
  const SystemTime now = deps_.clock.Now();
  if (Expired(object, now)) return Expire(call, item, object);
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

void Controller::Say(const Call& call, Pass& item, const EtcdRestore& object,
                     const std::string& phase, const std::string& reason,
                     const std::string& message) {
  const bool half = HalfDone(object);
  Json status = OutsideRunStatus(object, half && phase == "Rejected" ? "Failed" : phase, reason,
                                 message, deps_.clock.Now());
  // Without its point of no return half a restore would pass for one that changed nothing.
  if (half) status = OverHalfDone(StatusOf(object), status);
  Publish(call, item, object, status);
  const bool worth_it =
      phase == "Rejected" || reason == "ReferenceNotFound" || reason == "LockedByOther";
  // What goes on waiting was told of.
  if (worth_it && ReadyField(object, "reason") != reason)
    deps_.events.Record(object, {true, reason, "Look", message});
}

bool Controller::Publish(const Call& call, Pass& item, const EtcdRestore& object,
                         const Json& status) {
  StatusPublisher publisher({api_, deps_.clock, deps_.log}, object);
  const Status wrote = publisher.WriteNow(call.Within(20s), status);
  deps_.observer.OnStatus(object, status);
  const bool told = wrote || ObjectGone(wrote.error());
  if (!told) Again(item, wrote.error());
  return told;
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
