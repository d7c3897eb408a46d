#include "operator/kubernetes/status_document.h"

#include <gtest/gtest.h>

#include "crds/schema.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing_objects::AnObject;

const SystemTime kNow = *ParseTime("2026-11-22T04:00:00Z");
const SystemTime kLater = *ParseTime("2026-11-22T05:00:00Z");

Json Outside(const std::string& phase, SystemTime now = kNow) {
  return OutsideRunStatus(testing_objects::Parsed(AnObject()), phase, "Because", "of that", now);
}

std::string Of(const Json& status, const std::string& type, const char* field) {
  for (const Json& condition : status["conditions"]) {
    if (condition["type"] == type) return condition[field];
  }
  return "absent";
}

TEST(StatusDocument, LeavesOutWhatTheSchemaDoesNotKnow) {
  const Json fit = NextStatus(
      {}, {{"timeline", {{{"phase", "Up"}, {"unheard", 4.5}}}}, {"conditions", Json::array()}});
  EXPECT_EQ(fit["timeline"][0], Json({{"phase", "Up"}}));
}

TEST(StatusDocument, CutsTextsAtWholeCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ä";
  const std::string cut = NextStatus({}, {{"progress", text}})["progress"];
  EXPECT_EQ(cut.size(), 63 * 2 + 3) << "63 letters and an ellipsis make 64 characters";
  EXPECT_EQ(NextStatus({}, {{"progress", "3/6 done"}})["progress"], "3/6 done");
}

TEST(StatusDocument, KeepsTheNewestOfALongList) {
  Json timeline = Json::array();
  for (int i = 0; i < 150; ++i) timeline.push_back({{"phase", std::to_string(i)}});
  const Json fit = NextStatus({}, {{"timeline", timeline}});
  ASSERT_EQ(fit["timeline"].size(), 100U);
  EXPECT_EQ(fit["timeline"][99]["phase"], "149");
}

TEST(StatusDocument, EveryDocumentOutsideARunPassesTheSchema) {
  for (const char* phase : {"Pending", "Rejected", "Cancelled", "Failed", "Succeeded"}) {
    SCOPED_TRACE(phase);
    const auto faults = CheckSchema(NextStatus({}, Outside(phase)), StatusSchema(), "status");
    for (const Fault& fault : faults) ADD_FAILURE() << fault.Text();
  }
}

TEST(StatusDocument, ATransitionTimeChangesOnlyWithTheStatus) {
  const Json before = NextStatus({}, Outside("Pending"));
  const Json same = NextStatus(before, Outside("Pending", kLater));
  EXPECT_EQ(same, before) << "nothing to write";
  const Json after = NextStatus(before, Outside("Failed", kLater));
  EXPECT_EQ(Of(after, "Failed", "lastTransitionTime"), FormatTime(kLater));
  EXPECT_EQ(Of(after, "Up", "lastTransitionTime"), FormatTime(kNow));
}

TEST(StatusDocument, IsComparedWithoutRegardToTheOrderOfKeys) {
  const Json written = NextStatus({}, Outside("Pending"));
  const Json stored = Json(nlohmann::json(written));
  EXPECT_EQ(NextStatus(stored, Outside("Pending", kLater)), stored);
}

TEST(StatusDocument, WaitingIsReconcilingAndRefusedIsStalled) {
  const Json waiting = Outside("Pending");
  EXPECT_EQ(Of(waiting, "Reconciling", "status"), "True");
  EXPECT_EQ(Of(waiting, "Stalled", "status"), "absent");
  EXPECT_EQ(Of(waiting, "Ready", "status"), "Unknown");
  const Json refused = Outside("Rejected");
  EXPECT_EQ(Of(refused, "Reconciling", "status"), "absent");
  EXPECT_EQ(Of(refused, "Stalled", "status"), "True");
  EXPECT_EQ(Of(refused, "Ready", "status"), "False");
  EXPECT_EQ(Of(Outside("Succeeded"), "Succeeded", "status"), "True");
  EXPECT_EQ(Of(Outside("Succeeded"), "Up", "status"), "True");
  EXPECT_EQ(Outside("Succeeded")["progress"], "6/6");
  EXPECT_EQ(waiting["progress"], "0/6");
}

TEST(StatusDocument, ABrokenObjectStillHasANameAndARun) {
  const EtcdRestore bare = BareObject({{"metadata", {{"name", "x"}, {"uid", "u"}}},
                                       {"spec", {{"runID", "r"}, {"clusterName", 5}}}});
  EXPECT_EQ(bare.name, "x");
  EXPECT_EQ(bare.spec.run_id, "r");
}

}  // namespace
}  // namespace etcdrestore
