// How tools that know only kstatus (Flux, kpt, cli-utils) read every status that we write.
#include <gtest/gtest.h>

#include "operator/kubernetes/status_document.h"
#include "tests/unit/kubernetes/objects.h"
#include "tests/unit/restore/views.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

const SystemTime kNow = *ParseTime("2026-11-22T04:00:00Z");

/// kstatus' rules for a kind that it does not know.
std::string Kstatus(const Json& object) {
  const Json& metadata = object["metadata"];
  if (metadata.contains("deletionTimestamp")) return "Terminating";
  const Json status = object.value("status", Json::object());
  if (status.contains("observedGeneration") &&
      status["observedGeneration"] != metadata["generation"])
    return "InProgress";
  std::string ready = "none";
  for (const Json& condition : status.value("conditions", Json::array())) {
    if (condition["type"] == "Reconciling" && condition["status"] == "True") return "InProgress";
    if (condition["type"] == "Stalled" && condition["status"] == "True") return "Failed";
    if (condition["type"] == "Ready") ready = condition["status"];
  }
  return ready == "True" || ready == "none" ? "Current" : "InProgress";
}

std::string Read(const Json& status, std::int64_t generation) {
  return Kstatus({{"metadata", {{"generation", generation}}}, {"status", status}});
}

TEST(Kstatus, ReadsEachEndOfARunAsItIsMeant) {
  const std::vector<std::pair<Ending, const char*>> cases = {
      {Ending::kRunning, "InProgress"},    {Ending::kAwaitingApproval, "InProgress"},
      {Ending::kLocked, "InProgress"},     {Ending::kInterrupted, "InProgress"},
      {Ending::kDone, "Current"},          {Ending::kFailed, "Failed"},
      {Ending::kRejected, "Failed"},       {Ending::kPreflightFailed, "Failed"},
      {Ending::kNeedsAttention, "Failed"}, {Ending::kCancelled, "Failed"},
      {Ending::kDeadline, "Failed"},
  };
  ASSERT_EQ(cases.size(), static_cast<std::size_t>(Ending::kInterrupted) + 1) << "all of them";
  const View view;
  for (const auto& [ending, read] : cases) {
    SCOPED_TRACE(static_cast<int>(ending));
    RunRecord record;
    record.ending = ending;
    record.started = kNow;
    record.timeline = {{Phase::kPreflight, kNow, std::nullopt, 1}};
    if (ending != Ending::kRunning && ending != Ending::kDone)
      record.error = Terminal("SomeReason", "what happened");
    const Json status = NextStatus({}, ToStatus(view.target, record, kNow));
    EXPECT_EQ(Read(status, view.target.object.generation), read);
    EXPECT_EQ(Read(status, view.target.object.generation + 1), "InProgress")
        << "a status of an older spec says nothing";
  }
}

TEST(Kstatus, ReadsEachStatusOutsideARunAsItIsMeant) {
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  for (const auto& [phase, read] :
       std::vector<std::pair<const char*, const char*>>{{"Pending", "InProgress"},
                                                        {"Rejected", "Failed"},
                                                        {"Failed", "Failed"},
                                                        {"Cancelled", "Failed"},
                                                        {"Succeeded", "Current"}}) {
    SCOPED_TRACE(phase);
    const Json status = NextStatus({}, OutsideRunStatus(object, phase, "Because", "of that", kNow));
    EXPECT_EQ(Read(status, object.generation), read);
  }
}

}  // namespace
}  // namespace etcdrestore
