// Before a run and after it: its record, its inputs, what it holds.
#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/status_document.h"
#include "operator/kubernetes/status_publisher.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// A Secret holds 1 MiB; the copy of a run's inputs is one.
constexpr std::size_t kMostInputs = 1'000'000;

/// What waits long is looked at seldom: thousands may wait for a Secret.
Duration PauseOf(const EtcdRestore& object, const std::string& reason, SystemTime now) {
  const Json& status = StatusOf(object);
  if (ConditionField(status, "Ready", "reason") != reason) return 10s;
  const auto since = ParseTime(ConditionField(status, "Ready", "lastTransitionTime"));
  return since ? std::clamp<Duration>((now - *since) / 4, 10s, 60s) : 10s;
}

LedgerEntry NewEntry(const EtcdRestore& object, SystemTime now) {
  return {object.RunKey(), object.uid, FormatTime(now), "", "", ""};
}

}  // namespace

/// One of the runs that may be at work at the same time.
class Controller::Slot {
 public:
  explicit Slot(Controller& controller)
      : controller_(controller),
        taken_(controller.runs_.fetch_add(1) < controller.deps_.most_runs) {}
  ~Slot() { controller_.runs_.fetch_sub(1); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  Controller& controller_;
  bool taken_;
};

std::optional<LedgerEntry> Controller::Enrolled(const Call& call, Pass& item,
                                                const EtcdRestore& object) {
  auto known = deps_.ledger.Read(call, object);
  if (!known && known.error().reason == "LedgerUnreadable") {
    deps_.observer.OnTerminalError();
    Say(call, item, object, "Rejected", known.error().reason, known.error().message);
    return std::nullopt;
  }
  if (!known) {
    // A role that is missing for a moment must not end an object for good.
    if (known.error().kind == ErrorKind::kTerminal)
      Say(call, item, object, "Pending", known.error().reason, known.error().message);
    Again(item, known.error());
    return std::nullopt;
  }
  const LedgerVerdict verdict = JudgeEntry(*known, object.uid);
  if (verdict == LedgerVerdict::kFinished) {
    Say(call, item, object, (*known)->phase, "AlreadyRan",
        "this run ended at " + (*known)->finished_at + " (" + (*known)->phase +
            ") and happens once; nothing was done, and how the cluster is now was not looked at. "
            "To restore again give a new runID");
    if (item.took) (void)LetGo(call, item, object);
    return std::nullopt;
  }
  if (verdict == LedgerVerdict::kForeign) {
    Say(call, item, object, "Rejected", "RunIDUsed",
        "an earlier object of this name used this runID at " + (*known)->started_at +
            "; nothing was done. Give a new runID");
    return std::nullopt;
  }
  LedgerEntry entry = known->value_or(NewEntry(object, deps_.clock.Now()));
  Status ready = EndEarlier(call, object);
  if (ready && !*known) ready = deps_.ledger.Write(call, object, entry);
  if (ready) return entry;
  Again(item, ready.error());
  return std::nullopt;
}

Status Controller::EndEarlier(const Call& call, const EtcdRestore& object) {
  const std::string run_id = TextField(StatusOf(object), "runID");
  if (run_id == object.spec.run_id || run_id.empty()) return {};
  EtcdRestore before = object;
  before.spec.run_id = run_id;
  const auto known = deps_.ledger.Read(call, before);
  if (!known) return known.error();
  if (*known && (*known)->finished_at.empty()) {
    LedgerEntry entry = **known;
    entry.End("Failed", deps_.clock.Now());
    if (Status wrote = deps_.ledger.Write(call, before, entry); !wrote) return wrote;
  }
  return deps_.ledger.DropInputs(call, before);
}

std::optional<ApiValues> Controller::InputsOf(const Call& call, Pass& item,
                                              const EtcdRestore& object, const LedgerEntry& entry) {
  std::optional<ApiValues> values;
  if (!entry.committed_at.empty()) {
    auto copy = deps_.ledger.Inputs(call, object);
    if (!copy) {
      Again(item, copy.error());
      return std::nullopt;
    }
    if (*copy) values = ApiValues::FromCopy(**copy, object);
  }
  if (!values) {
    auto read = ApiValues::Read(call, api_, object);
    if (!read) {
      Say(call, item, object, "Pending", read.error().reason, read.error().message);
      Again(item, read.error());
      return std::nullopt;
    }
    values = std::move(*read);
  }
  if (Status all = CheckReferences(*values, object.spec); !all) {
    Say(call, item, object, "Pending", all.error().reason, "waiting: " + all.error().message);
    Later(item, PauseOf(object, all.error().reason, deps_.clock.Now()));
    return std::nullopt;
  }
  if (values->bytes() > kMostInputs) {
    Say(call, item, object, "Rejected", "InputsTooLarge",
        "the Secrets and ConfigMaps that spec names hold " + std::to_string(values->bytes()) +
            " bytes together; the copy that a half-done restore needs can hold 1,000,000. Nothing "
            "was changed");
    return std::nullopt;
  }
  return values;
}

void Controller::Begin(const Call& call, Pass& item, const EtcdRestore& object, LedgerEntry entry) {
  const auto values = InputsOf(call, item, object, entry);
  if (!values) return;
  const Slot slot(*this);
  if (!slot.taken()) {
    Say(call, item, object, "Pending", "Queued",
        std::to_string(deps_.most_runs) +
            " clusters are being restored, as many as may be at the same time "
            "(--max-concurrent-reconciles); this one comes next");
    return Later(item, 10s);
  }
  RunIt(call, item, object, std::move(entry), *values, values->CopyOf());
}

void Controller::GiveUp(const Call& call, Pass& item, const EtcdRestore& object) {
  const SystemTime now = deps_.clock.Now();
  auto known = deps_.ledger.Read(call, object);
  if (!known) return Again(item, known.error());
  LedgerEntry entry = known->value_or(NewEntry(object, now));
  entry.End("Failed", now);
  Json status = OverHalfDone(
      StatusOf(object), OutsideRunStatus(object, "Failed", "Cancelled", kCancelledHalfDone, now));
  status["completionTime"] = FormatTime(now);
  Status ended = EndEarlier(call, object);
  if (ended) ended = deps_.ledger.Write(call, object, entry);
  if (!ended) return Again(item, ended.error());
  if (!Publish(call, item, object, status)) return;
  deps_.observer.OnRunEnded(object, status);
  deps_.events.Record(
      object, {true, "RestoreFailed", "Restore", std::string("Cancelled: ") + kCancelledHalfDone});
  (void)LetGo(call, item, object);
}

bool Controller::LetGo(const Call& call, Pass& item, const EtcdRestore& object) {
  // The finalizer last: while it is there this is tried again, also by the next leader.
  Status gone = deps_.ledger.DropInputs(call, object);
  if (gone) gone = SetFinalizer(call, object, false);
  if (!gone) Again(item, gone.error());
  return static_cast<bool>(gone);
}

Status Controller::SetFinalizer(const Call& call, const EtcdRestore& object, bool on) {
  KubeObject body = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", object.name}, {"namespace", object.name_space}, {"uid", object.uid}}}};
  if (on) body["metadata"]["finalizers"] = Json::array({kFinalizer});
  const auto wrote = api_.Write(
      call, {KubeVerb::kApply, kEtcdRestores, {object.name_space, object.name}, "", body});
  if (wrote || (!on && ObjectGone(wrote.error()))) return {};
  return wrote.error();
}

}  // namespace etcdrestore
