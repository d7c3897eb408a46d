#include "operator/runtime/leader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/ports/forwarding_kube.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const KubeName kLease{"ops", "lease"};

/// One process: its own clock of the same rate, its own election.
struct Process {
  Process(KubeApi& api, fakes::VirtualClock& process_clock, const std::string& identity)
      : clock(process_clock),
        guard(clock),
        election(
            {api, clock, [this](const Call&, Duration pause) { Waited(pause); }, [] { return 0.0; },
             guard, [](const std::string&) {}, [this](int count) { transitions = count; },
             [this](const KubeObject& lease, bool leads) {
               told += (leads ? "+" : "-") + lease["metadata"].value("uid", "");
             },
             [this](const Error& error) { failures.push_back(error.reason); }},
            {kLease, identity}) {}
  void Waited(Duration pause) {
    clock.Advance(pause);
    if (on_wait) on_wait();
  }
  Status Acquire() {
    Call call;
    call.stop = stop.get_token();
    return election.Acquire(call);
  }
  Status Hold() {
    Call call;
    call.stop = stop.get_token();
    return election.Hold(call);
  }
  fakes::VirtualClock& clock;
  LeaderGuard guard;
  LeaderElection election;
  std::stop_source stop;
  std::function<void()> on_wait;
  int transitions = -1;
  std::string told;  ///< a sign and the Lease's uid each time that it began or stopped to lead
  std::vector<std::string> failures;  ///< reasons, as they were told
};

class Leader : public testing::Test {
 protected:
  KubeObject Spec() { return api.Find(kLeases, kLease)->at("spec"); }
  fakes::FakeKube api;
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  Process one{api, clock, "one"};
  Process two{api, clock, "two"};
};

TEST_F(Leader, TheFirstOneTakesAFreeLease) {
  ASSERT_TRUE(one.Acquire());
  EXPECT_TRUE(one.guard.Check());
  EXPECT_EQ(Spec()["holderIdentity"], "one");
  EXPECT_EQ(Spec()["leaseDurationSeconds"], 15);
  EXPECT_EQ(Spec()["leaseTransitions"], 0);
  EXPECT_EQ(Spec()["renewTime"], "2026-11-22T03:00:00.000000Z");
}

TEST_F(Leader, TheOtherWaitsFifteenSecondsFromWhenItSawTheLastChange) {
  ASSERT_TRUE(one.Acquire());
  const SteadyTime start = clock.Steady();
  ASSERT_TRUE(two.Acquire());
  EXPECT_GE(clock.Steady() - start, 15s);
  EXPECT_LT(clock.Steady() - start, 20s);
  EXPECT_EQ(Spec()["leaseTransitions"], 1);
}

TEST_F(Leader, WhatItStartedMustEndBeforeAnotherMayLead) {
  EXPECT_EQ(one.guard.Until(), SteadyTime::min()) << "nothing may run that was never allowed";
  ASSERT_TRUE(one.Acquire());
  const SteadyTime renewed = clock.Steady();
  EXPECT_EQ(one.guard.Until(), renewed + 10s);
  ASSERT_TRUE(two.Acquire());
  EXPECT_GE(clock.Steady() - one.guard.Until(), 5s) << "time to be killed in";
  one.guard.Revoke();
  EXPECT_EQ(one.guard.Until(), SteadyTime::min());
}

TEST_F(Leader, TheOldOneMayNotActWhenTheNewOneMay) {
  ASSERT_TRUE(one.Acquire());
  two.on_wait = [&] { EXPECT_FALSE(one.guard.Check() && two.guard.Check()); };
  ASSERT_TRUE(two.Acquire());
  EXPECT_FALSE(one.guard.Check());
  EXPECT_EQ(one.guard.Check().error().reason, "LeaseLost");
  EXPECT_TRUE(two.guard.Check());
}

TEST_F(Leader, RenewsEveryTwoSecondsAndKeepsItsAcquireTime) {
  ASSERT_TRUE(one.Acquire());
  int waits = 0;
  one.on_wait = [&] {
    EXPECT_TRUE(one.guard.Check());
    if (++waits == 30) one.stop.request_stop();
  };
  EXPECT_TRUE(one.Hold()) << "a stop is no loss";
  EXPECT_EQ(Spec()["acquireTime"], "2026-11-22T03:00:00.000000Z");
  EXPECT_EQ(Spec()["renewTime"], "2026-11-22T03:00:58.000000Z");
  EXPECT_EQ(Spec()["leaseTransitions"], 0);
}

TEST_F(Leader, AnApiThatIsAwayForTenSecondsEndsIt) {
  ASSERT_TRUE(one.Acquire());
  const SteadyTime start = clock.Steady();
  api.refuse = [](const std::string&, const KubeType&, const KubeName&) {
    return std::optional(Transient("Unavailable", ""));
  };
  const Status held = one.Hold();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, "LeaseLost");
  EXPECT_LE(clock.Steady() - start, 12s);
  EXPECT_FALSE(one.guard.Check());
}

TEST_F(Leader, TellsWhyItCannotLeadOnceForEachReason) {
  int waits = 0;
  api.refuse = [&](const std::string&, const KubeType&, const KubeName&) -> std::optional<Error> {
    if (waits < 5) return Terminal("Forbidden", "");
    if (waits < 10) return Transient("Unavailable", "");
    return std::nullopt;
  };
  one.on_wait = [&] { ++waits; };
  ASSERT_TRUE(one.Acquire());
  EXPECT_THAT(one.failures, ElementsAre("Forbidden", "Unavailable"));
}

TEST_F(Leader, TellsOfARenewalThatIsForbidden) {
  ASSERT_TRUE(one.Acquire());
  api.refuse = [](const std::string& verb, const KubeType&, const KubeName&) {
    return verb == "write" ? std::optional(Terminal("Forbidden", "no update of leases"))
                           : std::nullopt;
  };
  const Status held = one.Hold();
  ASSERT_FALSE(held);
  EXPECT_THAT(one.failures, ElementsAre("Forbidden"));
  EXPECT_THAT(held.error().message, HasSubstr("not renewed for 10.0 s"));
  EXPECT_THAT(held.error().message, HasSubstr("no update of leases"));
}

TEST_F(Leader, ThatAnotherOneLeadsIsNoFailure) {
  ASSERT_TRUE(one.Acquire());
  ASSERT_TRUE(two.Acquire());
  EXPECT_THAT(two.failures, IsEmpty());
}

TEST_F(Leader, ALeaseThatAnotherTookIsNotCalledUnrenewed) {
  ASSERT_TRUE(one.Acquire());
  one.on_wait = [&] {
    KubeObject taken = *api.Find(kLeases, kLease);
    taken["spec"]["holderIdentity"] = "two";
    api.Put(kLeases, taken);
  };
  const Status held = one.Hold();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, "LeaseLost");
  EXPECT_THAT(held.error().message, HasSubstr("taken by two"));
  EXPECT_THAT(held.error().message, Not(HasSubstr("renewed")));
  EXPECT_THAT(one.failures, IsEmpty());
}

TEST_F(Leader, TellsOfItsBeginningAndOfItsEndButNotOfALoss) {
  ASSERT_TRUE(one.Acquire());
  EXPECT_EQ(one.told, "+uid-1");
  one.on_wait = [&] {
    EXPECT_TRUE(one.guard.Check()) << "there is time for a last word";
    one.stop.request_stop();
  };
  EXPECT_TRUE(one.Hold());
  EXPECT_EQ(one.told, "+uid-1-uid-1");
  ASSERT_TRUE(two.Acquire());
  two.on_wait = [&] { clock.Advance(20s); };
  EXPECT_FALSE(two.Hold());
  EXPECT_EQ(two.told, "+uid-1");
}

TEST_F(Leader, AnApiThatIsAwayForShortIsSurvived) {
  ASSERT_TRUE(one.Acquire());
  int waits = 0;
  one.on_wait = [&] {
    if (++waits == 10) one.stop.request_stop();
  };
  api.refuse = [&](const std::string&, const KubeType&, const KubeName&) -> std::optional<Error> {
    if (waits < 3) return Transient("Unavailable", "");
    return std::nullopt;
  };
  EXPECT_TRUE(one.Hold());
}

TEST_F(Leader, AfterALongStallItStopsBeforeItAsks) {
  ASSERT_TRUE(one.Acquire());
  one.on_wait = [&] { clock.Advance(20s); };
  const std::size_t writes = api.writes().size();
  EXPECT_FALSE(one.Hold());
  EXPECT_EQ(api.writes().size(), writes);
}

TEST_F(Leader, TimeThatTheMachineSleepsCounts) {
  ASSERT_TRUE(one.Acquire());
  const SteadyTime until = one.guard.Until();
  clock.Sleep(4s);
  EXPECT_EQ(one.guard.Until(), until - 4s);
  EXPECT_EQ(one.guard.Left(), Duration(6s));
  EXPECT_TRUE(one.guard.Check());
  clock.Sleep(6s);
  EXPECT_FALSE(one.guard.Check());
  EXPECT_FALSE(one.Hold()) << "and it does not renew what is lost";
}

TEST_F(Leader, ARenewalThatComesTooLateDoesNotBringItBack) {
  ASSERT_TRUE(one.Acquire());
  std::vector<Duration> given;
  api.seen = [&](const Call& call, const std::string& verb) {
    if (verb == "write") given.push_back(call.deadline - std::chrono::steady_clock::now());
  };
  one.on_wait = [&] { one.stop.request_stop(); };
  clock.Advance(5s);
  one.on_wait = [&, waits = 0]() mutable {
    if (++waits == 2) one.stop.request_stop();
  };
  EXPECT_TRUE(one.Hold());
  ASSERT_FALSE(given.empty());
  EXPECT_LE(given.front(), Duration(3s)) << "10 s after the last renewal its time is over";
}

TEST_F(Leader, TellsHowOftenTheLeaseChangedHands) {
  ASSERT_TRUE(one.Acquire());
  EXPECT_EQ(one.transitions, 0);
  ASSERT_TRUE(two.Acquire());
  EXPECT_EQ(two.transitions, 1);
}

TEST_F(Leader, ALeaseOfTheWrongShapeIsTakenAsOneThatNobodyHolds) {
  for (const char* spec :
       {"null", "7", "[]", R"("x")", R"({"holderIdentity": null, "leaseDurationSeconds": null})",
        R"({"holderIdentity": 7, "leaseTransitions": "many"})"}) {
    SCOPED_TRACE(spec);
    api.Put(kLeases, {{"metadata", {{"namespace", "ops"}, {"name", "lease"}}},
                      {"spec", KubeObject::parse(spec)}});
    ASSERT_TRUE(one.Acquire());
    EXPECT_EQ(Spec()["holderIdentity"], "one");
    EXPECT_EQ(Spec()["leaseDurationSeconds"], 15);
    EXPECT_EQ(Spec()["leaseTransitions"], 1);
  }
}

TEST_F(Leader, AHolderThatDoesNotSayForHowLongHoldsNothing) {
  for (const char* spec :
       {R"({"holderIdentity": "two", "leaseDurationSeconds": null})",
        R"({"holderIdentity": "two", "leaseDurationSeconds": "15"})",
        R"({"holderIdentity": "two", "leaseDurationSeconds": 1e300})",
        R"({"holderIdentity": "two", "leaseDurationSeconds": 18446744073709551615})"}) {
    SCOPED_TRACE(spec);
    const LeaseSeen seen{{{"spec", KubeObject::parse(spec)}}, clock.Steady()};
    EXPECT_TRUE(MayHold(seen, "one", clock.Steady()));
  }
}

TEST_F(Leader, AReleasedLeaseIsTakenAtOnce) {
  ASSERT_TRUE(one.Acquire());
  one.election.Release({});
  EXPECT_FALSE(one.guard.Check());
  const SteadyTime start = clock.Steady();
  ASSERT_TRUE(two.Acquire());
  EXPECT_LT(clock.Steady() - start, 5s);
}

/// Answers a write with a spec that is none.
struct Shapeless final : ForwardingKube {
  using ForwardingKube::ForwardingKube;
  Result<KubeObject> Write(const Call& call, const KubeWrite& write) override {
    auto wrote = ForwardingKube::Write(call, write);
    if (wrote) (*wrote)["spec"] = "x";
    return wrote;
  }
};

TEST_F(Leader, ReleasesALeaseThatCameBackInTheWrongShape) {
  Shapeless shapeless(api);
  Process three{shapeless, clock, "three"};
  ASSERT_TRUE(three.Acquire());
  three.election.Release({});
  EXPECT_EQ(Spec()["holderIdentity"], "");
}

TEST_F(Leader, ALostOneDoesNotRelease) {
  ASSERT_TRUE(one.Acquire());
  ASSERT_TRUE(two.Acquire());
  one.election.Release({});
  EXPECT_EQ(Spec()["holderIdentity"], "two");
}

TEST_F(Leader, AStopEndsTheWaiting) {
  ASSERT_TRUE(one.Acquire());
  two.on_wait = [&] { two.stop.request_stop(); };
  EXPECT_EQ(two.Acquire().error().reason, "Interrupted");
}

}  // namespace
}  // namespace etcdrestore
