#include "operator/kubernetes/events.h"

#include <gtest/gtest.h>

#include "operator/kubernetes/status_publisher.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

TEST(Events, HaveWhatTheApiDemands) {
  const KubeObject event =
      MakeEvent(Regarding(testing_objects::Parsed(testing_objects::AnObject())),
                {true, "RestoreFailed", "Restore", std::string(3000, 'x')}, std::string(200, 'i'),
                *ParseTime("2026-11-22T03:00:00.123456Z"));
  EXPECT_EQ(event["eventTime"], "2026-11-22T03:00:00.123456Z");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_LE(event["note"].get<std::string>().size(), 1024U);
  EXPECT_LE(event["reportingInstance"].get<std::string>().size(), 128U);
  EXPECT_EQ(event["regarding"]["uid"], "u1");
  EXPECT_EQ(event["metadata"]["namespace"], "recovery");
}

TEST(Events, AboutAnObjectWithALongNameHaveANameThatTheApiTakes) {
  const std::string start(199, 'x');
  const KubeObject event =
      MakeEvent({{"name", start + ".tail"}, {"namespace", "recovery"}}, {}, "me", SystemTime{});
  EXPECT_EQ(event["metadata"]["name"], start + ".0");
}

TEST(Events, MayBeAboutAnyObjectOfTheApi) {
  const KubeObject lease = {{"apiVersion", "coordination.k8s.io/v1"},
                            {"kind", "Lease"},
                            {"metadata", {{"namespace", "ops"}, {"name", "l"}, {"uid", "u9"}}}};
  const KubeObject event = MakeEvent(Regarding(lease), {false, "LeaderElection", "Lead", "words"},
                                     "me", *ParseTime("2026-11-22T03:00:00Z"));
  EXPECT_EQ(event["metadata"]["namespace"], "ops");
  EXPECT_EQ(event["regarding"].dump(),
            R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","name":"l",)"
            R"("namespace":"ops","uid":"u9"})");
}

TEST(Events, AboutAnObjectOfTheWrongShapeNameWhatItHas) {
  const KubeObject lease = {
      {"apiVersion", 7}, {"kind", nullptr}, {"metadata", {{"name", "l"}, {"uid", KubeObject()}}}};
  EXPECT_EQ(Regarding(lease).dump(),
            R"({"apiVersion":"","kind":"","name":"l","namespace":"","uid":""})");
}

TEST(EventBudget, AllowsTwentyFiveAndThenOneInFiveMinutes) {
  EventBudget budget;
  SteadyTime now(1h);
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += budget.Allow("a", now) ? 1 : 0;
  EXPECT_EQ(allowed, 25);
  EXPECT_TRUE(budget.Allow("b", now)) << "each object has its own";
  EXPECT_FALSE(budget.Allow("a", now + 299s));
  EXPECT_TRUE(budget.Allow("a", now + 301s));
  EXPECT_FALSE(budget.Allow("a", now + 302s));
}

TEST(Pacer, WritesAtOnceAndThenEveryTwoSeconds) {
  Pacer pacer;
  const SteadyTime now(1h);
  EXPECT_EQ(pacer.Due(now), now);
  pacer.Wrote(now);
  EXPECT_EQ(pacer.Due(now + 500ms), now + 2s);
  EXPECT_EQ(pacer.Due(now + 5s), now + 5s);
}

}  // namespace
}  // namespace etcdrestore
