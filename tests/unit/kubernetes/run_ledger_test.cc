#include "operator/kubernetes/run_ledger.h"

#include <gtest/gtest.h>

#include "operator/kubernetes/api_values.h"
#include "tests/fakes/fake_kube.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

const LedgerEntry kBegun{"prod/recovery/one/r1", "u1", "2026-11-22T03:00:00Z", "", "", ""};

LedgerEntry Committed() {
  LedgerEntry entry = kBegun;
  entry.committed_at = "2026-11-22T03:05:00Z";
  return entry;
}

LedgerEntry Finished() {
  LedgerEntry entry = Committed();
  entry.finished_at = "2026-11-22T03:10:00Z";
  return entry;
}

TEST(RunLedger, ARunHappensOnce) {
  EXPECT_EQ(JudgeEntry(std::nullopt, "u1"), LedgerVerdict::kGo);
  EXPECT_EQ(JudgeEntry(kBegun, "u1"), LedgerVerdict::kGo);
  EXPECT_EQ(JudgeEntry(kBegun, "u2"), LedgerVerdict::kForeign);
  EXPECT_EQ(JudgeEntry(Committed(), "u2"), LedgerVerdict::kGo) << "half a restore is gone on with";
  EXPECT_EQ(JudgeEntry(Finished(), "u1"), LedgerVerdict::kFinished);
  EXPECT_EQ(JudgeEntry(Finished(), "u2"), LedgerVerdict::kFinished);
}

TEST(RunLedger, ReadsBackWhatItWrote) {
  fakes::FakeKube api;
  RunLedger ledger(api, "ops");
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  const auto none = ledger.Read({}, object);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  ASSERT_TRUE(ledger.Write({}, object, Finished()));
  const auto read = ledger.Read({}, object);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->finished_at, "2026-11-22T03:10:00Z");
  EXPECT_EQ((*read)->uid, "u1");
}

TEST(RunLedger, ARecordThatIsNotItsOwnBlocks) {
  fakes::FakeKube api;
  RunLedger ledger(api, "ops");
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  LedgerEntry other = kBegun;
  other.run_key = "something else";
  ASSERT_TRUE(ledger.Write({}, object, other));
  EXPECT_EQ(ledger.Read({}, object).error().reason, "LedgerUnreadable");
}

TEST(ApiValues, HoldOnlyWhatTheSpecNames) {
  fakes::FakeKube api;
  api.Put(kSecrets, testing_objects::ItsSecret());
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  const auto values = ApiValues::Read({}, api, object);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->Resolve(object.spec.cluster_config)->Reveal(), "canary");
  EXPECT_EQ(values->CopyOf().size(), 1U);
  EXPECT_EQ(values->CopyOf().dump().find("unrelated"), std::string::npos);
}

TEST(ApiValues, SurviveAsACopy) {
  fakes::FakeKube api;
  api.Put(kSecrets, testing_objects::ItsSecret());
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  const auto values = ApiValues::Read({}, api, object);
  ASSERT_TRUE(values);
  const ApiValues copy = ApiValues::FromCopy({{"data", values->CopyOf()}}, object);
  EXPECT_EQ(copy.Resolve(object.spec.cluster_config)->Reveal(), "canary");
}

TEST(ApiValues, NameWhatIsMissing) {
  fakes::FakeKube api;
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  const auto values = ApiValues::Read({}, api, object);
  ASSERT_TRUE(values) << "missing is not an error of the API";
  const auto missing = values->Resolve(object.spec.cluster_config);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "ReferenceNotFound");
  EXPECT_NE(missing.error().message.find("recovery/rke"), std::string::npos);
}

}  // namespace
}  // namespace etcdrestore
