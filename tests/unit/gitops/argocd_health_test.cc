// The health check that is given to Argo CD, run by a Lua interpreter on status documents as the
// operator writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "operator/base/files.h"
#include "operator/kubernetes/status_document.h"
#include "reconcilers/restore/report.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using testing_objects::AnObject;

const std::string kRoot = ETCDRESTORE_SOURCE_DIR;
const SystemTime kNow = *ParseTime("2026-11-22T04:00:00Z");

std::string ToLua(const Json& value) {
  if (value.is_null()) return "nil";
  if (!value.is_structured()) return value.dump();
  std::string out = "{";
  for (const auto& [name, member] : value.items())
    out += (value.is_object() ? "[" + Json(name).dump() + "]=" : "") + ToLua(member) + ",";
  return out + "}";
}

/// "Status\nmessage\n".
std::string HealthOf(const Json& object) {
  const std::string path = ::testing::TempDir() + "/object-" + std::to_string(::getpid()) + ".lua";
  EXPECT_TRUE(WriteFileAtomically(path, "return " + ToLua(object)));
  const std::string command = "lua5.4 " + kRoot + "/tests/unit/gitops/run_health.lua " + kRoot +
                              "/manifests/argocd/health.lua " + path + " 2>&1";
  std::string said;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) said += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0) << said;
  (void)std::remove(path.c_str());
  return said;
}

Json WithStatus(const Json& status) {
  Json object = AnObject();
  object["status"] = status;
  return object;
}

Json OfARun(Ending ending, std::optional<Phase> phase = std::nullopt) {
  Target target;
  target.object = testing_objects::Parsed(AnObject());
  RunRecord record;
  record.ending = ending;
  record.message = "n2: etcd does not answer yet";
  if (phase) record.timeline = {{*phase, kNow, std::nullopt, 1}};
  if (ending != Ending::kRunning && ending != Ending::kDone)
    record.error = Terminal("SomeReason", "what happened and what to do");
  return WithStatus(NextStatus({}, ToStatus(target, record, kNow)));
}

Json Outside(const char* phase, const char* reason) {
  return WithStatus(OutsideRunStatus(testing_objects::Parsed(AnObject()), phase, reason,
                                     "what happened and what to do", kNow));
}

TEST(ArgoCdHealth, APhaseThatWorksIsProgressingAndSaysWhatItWaitsFor) {
  for (const Phase phase : {Phase::kPreflight, Phase::kCleaned, Phase::kFetched, Phase::kRestored,
                            Phase::kUp, Phase::kRestarted}) {
    const std::string said = HealthOf(OfARun(Ending::kRunning, phase));
    EXPECT_THAT(said, ::testing::StartsWith("Progressing\n" + PhaseName(phase)));
    EXPECT_THAT(said, HasSubstr("n2: etcd does not answer yet"));
  }
}

TEST(ArgoCdHealth, FollowsTheEndOfARun) {
  const struct {
    Ending ending;
    const char* health;
  } cases[] = {{Ending::kDone, "Healthy"},
               {Ending::kFailed, "Degraded"},
               {Ending::kRejected, "Degraded"},
               {Ending::kPreflightFailed, "Degraded"},
               {Ending::kNeedsAttention, "Degraded"},
               {Ending::kAwaitingApproval, "Suspended"},
               {Ending::kLocked, "Progressing"},
               {Ending::kCancelled, "Degraded"},
               {Ending::kDeadline, "Degraded"},
               {Ending::kInterrupted, "Progressing"}};
  for (const auto& one : cases) {
    const std::string said = HealthOf(OfARun(one.ending, Phase::kPreflight));
    EXPECT_THAT(said, ::testing::StartsWith(one.health + std::string("\n")));
    if (std::string(one.health) == "Degraded") {
      EXPECT_THAT(said, HasSubstr("SomeReason: what happened and what to do"));
    }
  }
}

TEST(ArgoCdHealth, FollowsWhatIsSaidOutsideARun) {
  EXPECT_THAT(HealthOf(Outside("Pending", "ReferenceNotFound")),
              ::testing::StartsWith("Progressing\nPending"));
  EXPECT_THAT(HealthOf(Outside("Pending", "Paused")), ::testing::StartsWith("Suspended\nPaused: "));
  EXPECT_THAT(HealthOf(Outside("Rejected", "Expired")),
              ::testing::StartsWith("Degraded\nExpired: what happened"));
  EXPECT_THAT(HealthOf(Outside("Cancelled", "Cancelled")), ::testing::StartsWith("Degraded\n"));
  EXPECT_THAT(HealthOf(Outside("Succeeded", "AlreadyRan")), ::testing::StartsWith("Healthy\n"));
}

TEST(ArgoCdHealth, AnObjectThatNobodyLookedAtIsProgressing) {
  EXPECT_THAT(HealthOf(AnObject()), ::testing::StartsWith("Progressing\nWaiting for the operator"));
}

TEST(ArgoCdHealth, AnEndOfAnEarlierGenerationIsNotTheEnd) {
  for (const Ending ending : {Ending::kDone, Ending::kNeedsAttention}) {
    Json object = OfARun(ending);
    object["metadata"]["generation"] = 2;
    EXPECT_THAT(HealthOf(object), ::testing::StartsWith("Progressing\nThe operator has not seen"));
  }
}

TEST(ArgoCdHealth, APlanThatWaitsNamesItsHash) {
  Json object = OfARun(Ending::kAwaitingApproval, Phase::kPreflight);
  object["status"]["plan"] = {{"hash", "abc123"}};
  EXPECT_THAT(HealthOf(object), HasSubstr("spec.approvedPlan: abc123"));
}

}  // namespace
}  // namespace etcdrestore
