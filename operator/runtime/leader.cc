#include "operator/runtime/leader.h"

#include <fmt/format.h>

#include <algorithm>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;

SteadyTime Plus(SteadyTime time, Duration duration) {
  return time + duration_cast<SteadyTime::duration>(duration);
}

KubeObject SpecOf(const KubeObject& lease) { return ObjectField(lease, "spec"); }

std::string HolderOf(const KubeObject& spec) { return TextField(spec, "holderIdentity"); }

/// Another process leads, or was faster: what an election is for.
bool IsRivalry(const Error& error) {
  return error.reason == "LockedByOther" || error.reason == "Conflict" ||
         error.reason == "AlreadyExists";
}

}  // namespace

std::string MicroTime(SystemTime time) { return FormatTime(time, 6); }

Status CheckTimes(const LeaderOptions& options) {
  const auto wrong = [](const std::string& rule, const std::string& seen) {
    return Terminal("InvalidOptions", "--leader-elect-" + rule + ": it is " + seen);
  };
  const auto pair = [](Duration one, Duration other) {
    return HumanDuration(one) + " and " + HumanDuration(other);
  };
  if (options.lease_duration < 1s || options.lease_duration % 1s != 0s)
    return wrong("lease-duration must be whole seconds, since the Lease holds no others",
                 HumanDuration(options.lease_duration));
  if (options.lease_duration <= options.renew_deadline)
    return wrong("lease-duration must be longer than --leader-elect-renew-deadline, or two lead",
                 pair(options.lease_duration, options.renew_deadline));
  if (options.retry_period <= 0s)
    return wrong("retry-period must be longer than nothing", HumanDuration(options.retry_period));
  if (options.renew_deadline <= options.retry_period * 12 / 10)
    return wrong("renew-deadline must be longer than 1.2 times --leader-elect-retry-period",
                 pair(options.renew_deadline, options.retry_period));
  return {};
}

/// Earlier by what the machine has slept since.
std::optional<SteadyTime> LeaderGuard::Deadline() const {
  const std::lock_guard lock(mutex_);
  const Duration slept = clock_.Slept() - slept_;
  if (!deadline_ || slept <= Duration(0)) return deadline_;
  return *deadline_ - duration_cast<SteadyTime::duration>(slept);
}

Status LeaderGuard::Check() const {
  const auto deadline = Deadline();
  if (deadline && clock_.Steady() < *deadline) return {};
  return Transient("LeaseLost",
                   "this process is not the leader (any more): it changes nothing and ends");
}

void LeaderGuard::AllowUntil(SteadyTime deadline, Duration slept) {
  const std::lock_guard lock(mutex_);
  deadline_ = deadline;
  slept_ = slept;
}

void LeaderGuard::Revoke() {
  const std::lock_guard lock(mutex_);
  deadline_.reset();
}

Duration LeaderGuard::Left() const {
  const auto deadline = Deadline();
  return deadline ? std::max<Duration>(*deadline - clock_.Steady(), 0s) : 0s;
}

SteadyTime LeaderGuard::Until() const { return Deadline().value_or(SteadyTime::min()); }

bool MayHold(const LeaseSeen& seen, const std::string& identity, SteadyTime now) {
  if (seen.object.is_null()) return true;
  const KubeObject spec = SpecOf(seen.object);
  const std::string holder = HolderOf(spec);
  if (holder.empty() || holder == identity) return true;
  const int seconds = IntField(spec, "leaseDurationSeconds");
  return now >= Plus(seen.changed, std::chrono::seconds(seconds));
}

KubeObject HeldLease(const KubeObject& before, const LeaderOptions& options, SystemTime now) {
  KubeObject lease = before;
  if (lease.is_null()) {
    lease = {{"apiVersion", "coordination.k8s.io/v1"},
             {"kind", "Lease"},
             {"metadata", {{"namespace", options.lease.name_space}, {"name", options.lease.name}}}};
  }
  KubeObject spec = SpecOf(lease);
  const bool ours = HolderOf(spec) == options.identity;
  const int transitions = IntField(spec, "leaseTransitions");
  if (!ours || !spec.contains("acquireTime")) spec["acquireTime"] = MicroTime(now);
  spec["leaseTransitions"] = ours || before.is_null() ? transitions : transitions + 1;
  spec["holderIdentity"] = options.identity;
  spec["leaseDurationSeconds"] =
      duration_cast<std::chrono::seconds>(options.lease_duration).count();
  spec["renewTime"] = MicroTime(now);
  lease["spec"] = spec;
  return lease;
}

Status LeaderElection::Write(const Call& call, KubeVerb verb, const KubeObject& lease) {
  const SteadyTime start = deps_.clock.Steady();
  const Duration slept = deps_.clock.Slept();
  auto written = deps_.api.Write(call, {verb, kLeases, options_.lease, "", lease});
  if (!written) return written.error();
  seen_ = {std::move(*written), deps_.clock.Steady()};
  TellTransitions();
  // Counted from before the request: the server may have written at once and answered late.
  deps_.guard.AllowUntil(Plus(start, options_.renew_deadline), slept);
  return {};
}

void LeaderElection::TellTransitions() const {
  if (deps_.transitions) deps_.transitions(IntField(SpecOf(seen_.object), "leaseTransitions"));
}

Status LeaderElection::TryOnce(const Call& call) {
  Status tried = ReadAndWrite(call);
  if (!call.stop.stop_requested()) TellFailure(tried);
  return tried;
}

void LeaderElection::TellFailure(const Status& tried) {
  const bool failed = !tried && !IsRivalry(tried.error());
  const std::string reason = failed ? tried.error().reason : "";
  if (failed && reason != failing_ && deps_.failed) deps_.failed(tried.error());
  failing_ = reason;
}

Status LeaderElection::ReadAndWrite(const Call& call) {
  const Duration budget = std::max<Duration>(1s, options_.renew_deadline / 2);
  const Call one = call.Within(budget);
  if (HolderOf(SpecOf(seen_.object)) == options_.identity) {
    const KubeObject mine = HeldLease(seen_.object, options_, deps_.clock.Now());
    if (Write(one, KubeVerb::kReplace, mine)) return {};
  }
  auto got = deps_.api.Get(one, kLeases, options_.lease);
  if (!got && got.error().reason != "NotFound") return got.error();
  const KubeObject now = got ? std::move(*got) : KubeObject();
  if (SpecOf(now) != SpecOf(seen_.object) || now.is_null() != seen_.object.is_null()) {
    seen_.changed = deps_.clock.Steady();
    const std::string holder = HolderOf(SpecOf(now));
    if (!holder.empty() && holder != HolderOf(SpecOf(seen_.object)) &&
        holder != options_.identity && deps_.follows)
      deps_.follows(holder);
  }
  seen_.object = now;
  TellTransitions();
  if (!MayHold(seen_, options_.identity, deps_.clock.Steady()))
    return Transient("LockedByOther", "the leader is " + HolderOf(SpecOf(now)));
  const KubeVerb verb = now.is_null() ? KubeVerb::kCreate : KubeVerb::kReplace;
  return Write(one, verb, HeldLease(now, options_, deps_.clock.Now()));
}

Status LeaderElection::Acquire(const Call& call) {
  while (!call.stop.stop_requested()) {
    if (TryOnce(call)) {
      if (deps_.leading) deps_.leading(seen_.object, true);
      return {};
    }
    const double jitter = 1 + 1.2 * deps_.chance();
    deps_.wait(call, Duration(static_cast<Duration::rep>(
                         static_cast<double>(options_.retry_period.count()) * jitter)));
  }
  return Transient("Interrupted", "stopped before this process became the leader");
}

Status LeaderElection::Hold(const Call& call) {
  SteadyTime renewed = deps_.clock.Steady();
  Status tried;
  while (true) {
    deps_.wait(call, options_.retry_period);
    if (call.stop.stop_requested()) {
      if (deps_.leading) deps_.leading(seen_.object, false);
      return {};
    }
    const SteadyTime now = deps_.clock.Steady();
    // After a long stall another process may lead already: stop first, ask later.
    if (!deps_.guard.Check()) return Lost(tried);
    // A renewal that came later would revive what everybody else has given up.
    tried = TryOnce(call.Within(deps_.guard.Left()));
    if (tried) {
      renewed = now;
      continue;
    }
    if (deps_.clock.Steady() - renewed < options_.renew_deadline &&
        HolderOf(SpecOf(seen_.object)) == options_.identity)
      continue;
    deps_.guard.Revoke();
    return Lost(tried);
  }
}

Error LeaderElection::Lost(const Status& tried) const {
  const std::string holder = HolderOf(SpecOf(seen_.object));
  std::string message = "the Lease " + options_.lease.Key();
  if (holder == options_.identity)
    message += " was not renewed for " + HumanDuration(options_.renew_deadline);
  else
    message += holder.empty() ? " was emptied or deleted" : " was taken by " + holder;
  if (!tried && !IsRivalry(tried.error())) message += "; the last try: " + tried.error().message;
  return Transient("LeaseLost", message);
}

void LeaderElection::Release(const Call& call) {
  if (!deps_.guard.Check()) return;
  deps_.guard.Revoke();
  KubeObject lease = seen_.object;
  const std::string now = MicroTime(deps_.clock.Now());
  KubeObject spec = SpecOf(lease);
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["renewTime"] = now;
  spec["acquireTime"] = now;
  lease["spec"] = std::move(spec);
  (void)deps_.api.Write(call.Within(5s), {KubeVerb::kReplace, kLeases, options_.lease, "", lease});
}

}  // namespace etcdrestore
