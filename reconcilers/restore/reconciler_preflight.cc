// Everything before the point of no return: nothing here changes more than the run's own folders.
#include <fmt/format.h>

#include <algorithm>

#include "operator/base/files.h"
#include "reconcilers/restore/judges.h"
#include "reconcilers/restore/reconciler.h"

namespace etcdrestore {
namespace {

constexpr std::int64_t kBump = 1'000'000'000;

/// Added to the snapshot's revision: beyond everything that a client may have seen. What an earlier
/// process of this run chose is kept while it is enough, so that what it restored stays right.
std::int64_t BumpFor(const Target& target, const Observation& seen, std::int64_t snapshot,
                     std::int64_t live) {
  std::int64_t chosen = 0;
  for (const auto& [name, facts] : seen.facts) {
    if (OfThisRun(target, facts)) chosen = std::max(chosen, facts.receipt->bumped_by);
  }
  if (chosen >= kBump && snapshot + chosen >= live + kBump / 2) return chosen;
  return std::max(kBump, live - snapshot + kBump);
}

/// What a later process needs to know of the chosen file beside its content.
std::string ChoiceRecord(const ChosenSnapshot& snapshot) {
  return nlohmann::json{{"name", snapshot.name},
                        {"source", snapshot.source},
                        {"takenAt", FormatTime(snapshot.taken_at)},
                        {"sha256", snapshot.facts.sha256}}
      .dump();
}

std::optional<ChosenSnapshot> RecordedChoice(const Call& call, const std::string& folder,
                                             const std::string& sha256) {
  const auto text = ReadFile(folder + "/snapshot.json");
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || json.value("sha256", "") != sha256) return std::nullopt;
  auto facts = ReadSnapshot(call, folder + "/snapshot.db");
  if (!facts || facts->sha256 != sha256) return std::nullopt;
  return ChosenSnapshot{json.value("name", ""), json.value("source", ""), folder + "/snapshot.db",
                        ParseTime(json.value("takenAt", "")).value_or(SystemTime{}),
                        std::move(*facts)};
}

/// True when the look tried the etcd tool of `image` wherever it is to be used.
bool ToolWasTried(const Target& target, const Observation& seen, const std::string& image) {
  const auto etcd = target.EtcdNodes();
  return std::all_of(etcd.begin(), etcd.end(), [&](const TargetNode* node) {
    const NodeFacts* facts = seen.Of(*node);
    return facts != nullptr && facts->etcdutl_image == image;
  });
}

/// What does not change while a node is held is not asked twice.
void CarryTools(const Observation& from, Observation& to) {
  for (auto& [name, facts] : to.facts) {
    const auto before = from.facts.find(name);
    if (before == from.facts.end()) continue;
    facts.docker_version = before->second.docker_version;
    facts.images = before->second.images;
    facts.encryption_keys = before->second.encryption_keys;
    facts.etcdutl = before->second.etcdutl;
    facts.etcdutl_image = before->second.etcdutl_image;
    facts.etcdutl_can_bump = before->second.etcdutl_can_bump;
  }
}

Check NoSnapshot(const Error& error) {
  const bool silent = error.kind == ErrorKind::kTransient;
  return {"",
          "snapshot",
          Verdict::kFailed,
          error.message,
          silent ? "see whether this machine reaches the store (address, firewall, proxy) and run "
                   "again, or name another source in spec.sources"
                 : "",
          silent};
}

bool EveryToolCanBump(const Target& target, const Observation& seen) {
  const auto etcd = target.EtcdNodes();
  return std::all_of(etcd.begin(), etcd.end(), [&](const TargetNode* node) {
    const NodeFacts* facts = seen.Of(*node);
    return facts != nullptr && facts->etcdutl_can_bump;
  });
}

}  // namespace

Reconciler::Go Reconciler::Preflight(const Call& whole) {
  const Call call = whole.Within(deps_.target.object.spec.deadlines.preflight);
  record_.timeline.push_back({Phase::kPreflight, record_.started, std::nullopt, 1});
  record_.step = "Observed";
  record_.message = "looking at the nodes";
  Publish();
  PreflightInput input{deps_.target,
                       record_.seen,
                       nullptr,
                       ChooseEtcdImage(deps_.target, record_.seen),
                       std::nullopt,
                       "",
                       StrategyKind::kInPlace};
  live_ = LivenessOf(deps_.target, record_.seen);
  const bool all_seen = record_.seen.errors.empty();
  if (all_seen) {
    if (Go stop = TakeNodes(call)) return stop;
    choice_ = ChooseStrategy(deps_.target, record_.seen);
    LookAsHolder(call, input.etcd_image);
    if (choice_.refused) return Stop{Ending::kPreflightFailed, *choice_.refused};
    input.strategy = choice_.strategy;
  }
  if (input.strategy == StrategyKind::kRebuild) {
    const auto version = deps_.rke_version(call);
    if (version) input.rke_version = *version;
    if (!version) input.rke_problem = version.error().message;
  }
  Go no_snapshot = Choose(call, "");
  if (record_.plan) input.snapshot = &record_.plan->snapshot;
  if (zip_state_) input.zip_state = &*zip_state_;
  record_.checks = CheckSpec(input);
  for (const auto& more : {CheckNodes(input), CheckIdentity(input)})
    record_.checks.insert(record_.checks.end(), more.begin(), more.end());
  if (no_snapshot) record_.checks.push_back(NoSnapshot(no_snapshot->error));
  // A look that was cut off says nothing about the nodes.
  if (const auto over = call.Over()) return BadEnd(*over);
  deps_.listener.OnChecks(record_.checks);
  if (!AllPassed(record_.checks)) {
    if (no_snapshot && no_snapshot->ending != Ending::kPreflightFailed) return no_snapshot;
    return Stop{Ending::kPreflightFailed, FailureOf(record_.checks)};
  }
  record_.plan->strategy = choice_.strategy;
  record_.plan->etcd_image = input.etcd_image;
  if (EveryToolCanBump(deps_.target, record_.seen)) {
    record_.plan->bump =
        BumpFor(deps_.target, record_.seen, record_.plan->snapshot.facts.revision, live_.revision);
  }
  if (Go stop = Walk(call, PreflightSteps())) return stop;
  record_.document = MakePlanDocument(deps_.target, *record_.plan, choice_, live_, record_.seen,
                                      record_.host_keys);
  deps_.listener.OnPlan(*record_.document);
  Leave();
  return request_.mode == RunMode::kRun ? Approve() : std::nullopt;
}

void Reconciler::LookAsHolder(const Call& call, const std::string& etcd_image) {
  const bool sent = deps_.executor.ProvideImages(call, etcd_image, choice_.strategy, record_.seen);
  const bool known = !sent && ToolWasTried(deps_.target, record_.seen, etcd_image);
  Observation now = deps_.crew.Look(
      call, {.images = !known, .tool_image = known ? std::string_view() : etcd_image});
  if (known) CarryTools(record_.seen, now);
  record_.seen = std::move(now);
  looked_ = {};
  fresh_ = record_.seen.errors.empty();
}

Reconciler::Go Reconciler::Choose(const Call& call, const std::string& pinned_sha256) {
  if (auto recorded = pinned_sha256.empty() ? std::nullopt
                                            : RecordedChoice(call, deps_.folder, pinned_sha256)) {
    record_.plan.emplace();
    delivery_.path = recorded->path;
    record_.plan->snapshot = std::move(*recorded);
    return std::nullopt;
  }
  record_.message = "choosing and verifying the snapshot";
  Publish();
  auto sources = deps_.open_sources(call);
  if (!sources) return BadEnd(sources.error());
  sources_ = std::move(*sources);
  const SnapshotWish wish{
      .spec = deps_.target.object.spec.snapshot,
      .pinned_sha256 = pinned_sha256,
      .folder = deps_.folder,
      .moved = [this](const std::string& what, std::uint64_t done, std::uint64_t total) {
        deps_.listener.OnBytes(what, done, total);
      }};
  auto choice = ChooseSnapshot(call, wish, sources_, deps_.clock.Now());
  if (!choice) return BadEnd(choice.error());
  for (const std::string& note : choice->notes) deps_.listener.OnNote("passed over: " + note);
  if (choice->rkestate && deps_.read_state) {
    auto state = deps_.read_state(*choice->rkestate);
    if (!state) {
      deps_.listener.OnNote("the rkestate in the snapshot's zip cannot be used: " +
                            state.error().message);
    } else {
      zip_state_ = std::move(*state);
    }
  }
  if (Status kept =
          WriteFileAtomically(deps_.folder + "/snapshot.json", ChoiceRecord(choice->snapshot));
      !kept)
    return BadEnd(kept.error());
  record_.plan.emplace();
  record_.plan->snapshot = std::move(choice->snapshot);
  delivery_ = std::move(choice->delivery);
  return std::nullopt;
}

/// Past the point of no return the receipts are the plan: nothing is decided anew.
Reconciler::Go Reconciler::Resume(const Call& call) {
  deps_.listener.OnNote(
      "this run was interrupted after its point of no return; going on where the nodes show it "
      "stopped");
  if (Go stop = TakeNodes(call)) return stop;
  // One at least is there: with every node seen, only a receipt says that the run is half done.
  Receipt known;
  for (const auto& [name, facts] : record_.seen.facts) {
    if (OfThisRun(deps_.target, facts) && facts.receipt->stage >= known.stage)
      known = *facts.receipt;
  }
  if (Go stop = Choose(call, known.snapshot_sha256)) return stop;
  record_.plan->strategy =
      known.strategy == "Rebuild" ? StrategyKind::kRebuild : StrategyKind::kInPlace;
  record_.plan->bump = known.bumped_by;
  record_.plan->etcd_image = ChooseEtcdImage(deps_.target, record_.seen);
  return std::nullopt;
}

Reconciler::Go Reconciler::Approve() {
  const PlanDocument& plan = *record_.document;
  const std::string& given = request_.approved_plan.empty() ? deps_.target.object.spec.approved_plan
                                                            : request_.approved_plan;
  if (plan.approval_reason.empty()) return std::nullopt;
  if (given == plan.hash) return std::nullopt;
  std::string message = "approval is needed: " + plan.approval_reason;
  for (const std::string& loss : plan.loses) message += "; lost: " + loss;
  message += given.empty() ? "" : "; the approval given is for plan " + given;
  return Stop{Ending::kAwaitingApproval,
              Terminal("AwaitingApproval", message + ". Nothing was changed. To go on: " +
                                               request_.how_to_approve + plan.hash)};
}

}  // namespace etcdrestore
