#include "operator/kubernetes/scrape_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/ports/forwarding_kube.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

KubeObject Reviewed(const char* kind, KubeObject status) {
  return {{"apiVersion", "v1"}, {"kind", kind}, {"status", std::move(status)}};
}

KubeObject OwnedBy(const std::string& user) {
  return Reviewed("TokenReview", {{"authenticated", true},
                                  {"user",
                                   {{"username", user},
                                    {"uid", "u-1"},
                                    {"groups", {"system:authenticated"}},
                                    {"extra", {{"pod", {"p"}}}}}}});
}

KubeObject Permission(bool allowed) {
  return Reviewed("SubjectAccessReview", {{"allowed", allowed}});
}

/// Answers reviews with what a test says, and remembers what it was asked.
class Reviews final : public ForwardingKube {
 public:
  Reviews() : ForwardingKube(none_) {}
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    EXPECT_EQ(write.verb, KubeVerb::kCreate);
    EXPECT_EQ(write.name, KubeName());
    EXPECT_LE(call.Left(), 5s);
    asked.push_back(write);
    if (error) return *error;
    return write.type == kTokenReviews ? owner : permission;
  }
  /// How often since the last time: token reviews, access reviews.
  std::pair<int, int> Count() {
    std::pair<int, int> count;
    for (const KubeWrite& one : asked) ++(one.type == kTokenReviews ? count.first : count.second);
    asked.clear();
    return count;
  }

  KubeObject owner = OwnedBy("scraper");
  KubeObject permission = Permission(true);
  std::optional<Error> error;
  std::vector<KubeWrite> asked;

 private:
  fakes::FakeKube none_;
};

class ScrapeGuardTest : public ::testing::Test {
 protected:
  Result<Admission> Ask(const std::string& token = "token-1") {
    return guard.Admit({}, Secret(token), "/metrics");
  }
  Admission Judged(const std::string& token = "token-1") {
    const auto admission = Ask(token);
    EXPECT_TRUE(admission) << admission.error().message;
    return admission.value_or(Admission::kUnknown);
  }

  Reviews api;
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  ScrapeGuard guard{api, clock};
};

TEST_F(ScrapeGuardTest, AsksWhoseTheTokenIsAndThenWhatItsOwnerMay) {
  EXPECT_EQ(Judged(), Admission::kAdmitted);
  ASSERT_EQ(api.asked.size(), 2U);
  EXPECT_EQ(api.asked[0].type, kTokenReviews);
  EXPECT_EQ(api.asked[0].body["spec"], KubeObject({{"token", "token-1"}}));
  EXPECT_EQ(api.asked[1].type, kSubjectAccessReviews);
  EXPECT_EQ(api.asked[1].body["spec"],
            KubeObject({{"nonResourceAttributes", {{"path", "/metrics"}, {"verb", "get"}}},
                        {"user", "scraper"},
                        {"uid", "u-1"},
                        {"groups", {"system:authenticated"}},
                        {"extra", {{"pod", {"p"}}}}}));
}

TEST_F(ScrapeGuardTest, WithoutATokenNobodyIsAsked) {
  EXPECT_EQ(Judged(""), Admission::kUnknown);
  EXPECT_TRUE(api.asked.empty());
}

TEST_F(ScrapeGuardTest, ATokenOfNobodyIsUnknown) {
  const KubeObject nobody[] = {
      Reviewed("TokenReview", {{"authenticated", false}, {"error", "invalid bearer token"}}),
      Reviewed("TokenReview", {{"user", {{"username", "scraper"}}}}), OwnedBy("system:anonymous")};
  int i = 0;
  for (const KubeObject& answer : nobody) {
    SCOPED_TRACE(answer.dump());
    api.owner = answer;
    EXPECT_EQ(Judged("token-" + std::to_string(++i)), Admission::kUnknown);
    EXPECT_EQ(api.Count(), std::pair(1, 0));
  }
}

TEST_F(ScrapeGuardTest, WhatIsNotAllowedOrIsDeniedIsDenied) {
  const KubeObject no[] = {Permission(false), Reviewed("SubjectAccessReview", KubeObject::object()),
                           Reviewed("SubjectAccessReview", {{"allowed", true}, {"denied", true}})};
  int i = 0;
  for (const KubeObject& answer : no) {
    SCOPED_TRACE(answer.dump());
    api.owner = OwnedBy("scraper-" + std::to_string(++i));
    api.permission = answer;
    EXPECT_EQ(Judged("token-" + std::to_string(i)), Admission::kDenied);
  }
}

TEST_F(ScrapeGuardTest, AnOwnerIsRememberedForAMinuteAndAPermissionForFive) {
  EXPECT_EQ(Judged(), Admission::kAdmitted);
  EXPECT_EQ(api.Count(), std::pair(1, 1));
  clock.Advance(59s);
  EXPECT_EQ(Judged(), Admission::kAdmitted);
  EXPECT_EQ(api.Count(), std::pair(0, 0));
  clock.Advance(1s);
  EXPECT_EQ(Judged(), Admission::kAdmitted);
  EXPECT_EQ(api.Count(), std::pair(1, 0));
  clock.Advance(3min + 59s);
  EXPECT_EQ(Judged(), Admission::kAdmitted);
  EXPECT_EQ(api.Count(), std::pair(1, 0));
  clock.Advance(1s);
  api.permission = Permission(false);
  EXPECT_EQ(Judged(), Admission::kDenied) << "a role that was taken away counts after 5 minutes";
  EXPECT_EQ(api.Count(), std::pair(0, 1));
}

TEST_F(ScrapeGuardTest, ADenialIsRememberedForHalfAMinute) {
  api.permission = Permission(false);
  EXPECT_EQ(Judged(), Admission::kDenied);
  api.permission = Permission(true);
  clock.Advance(29s);
  EXPECT_EQ(Judged(), Admission::kDenied);
  clock.Advance(1s);
  EXPECT_EQ(Judged(), Admission::kAdmitted);
}

TEST_F(ScrapeGuardTest, ATokenThatIsNobodysIsNotAskedAboutAgainForAMinute) {
  api.owner = Reviewed("TokenReview", {{"authenticated", false}});
  EXPECT_EQ(Judged(), Admission::kUnknown);
  clock.Advance(59s);
  EXPECT_EQ(Judged(), Admission::kUnknown);
  EXPECT_EQ(api.Count(), std::pair(1, 0));
}

TEST_F(ScrapeGuardTest, ADenialOfOneIsNoneOfAnother) {
  api.permission = Permission(false);
  EXPECT_EQ(Judged("token-1"), Admission::kDenied);
  api.owner = OwnedBy("other");
  api.permission = Permission(true);
  EXPECT_EQ(Judged("token-2"), Admission::kAdmitted);
  EXPECT_EQ(Judged("token-1"), Admission::kDenied);
}

TEST_F(ScrapeGuardTest, AReviewThatFailedIsAnErrorAndAskedAgain) {
  api.error = Terminal("Forbidden", "create tokenreviews: 403");
  const auto failed = Ask();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "Forbidden");
  api.error.reset();
  EXPECT_EQ(Judged(), Admission::kAdmitted);
}

TEST_F(ScrapeGuardTest, AnAnswerThatIsNoReviewAdmitsNobody) {
  const KubeObject strange[] = {
      KubeObject::object(),
      Reviewed("Status", {{"authenticated", true}}),
      Reviewed("TokenReview", "Success"),
      Reviewed("TokenReview", {{"authenticated", true}}),
      Reviewed("TokenReview", {{"authenticated", true}, {"user", {{"username", ""}}}}),
      Reviewed("TokenReview", {{"authenticated", true}, {"user", {{"username", 7}}}})};
  for (const KubeObject& answer : strange) {
    SCOPED_TRACE(answer.dump());
    api.owner = answer;
    const auto failed = Ask();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().reason, "BadAnswer");
  }
  api.owner = OwnedBy("scraper");
  api.permission = Reviewed("Status", {{"allowed", true}});
  const auto failed = Ask();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "BadAnswer");
}

}  // namespace
}  // namespace etcdrestore
