#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "operator/kubernetes/events.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class EventRecorderTest : public testing::Test {
 protected:
  EventRecorderTest() {
    api.refuse = [this](const std::string&, const KubeType&, const KubeName&) {
      ++asked;
      return refusals-- > 0 ? std::optional(refusal) : std::nullopt;
    };
  }
  void Say(EventRecorder& recorder, const std::string& reason) {
    clock.Advance(1s);
    recorder.Record(object, {false, reason, "Look", "words"});
  }
  /// What was not refused: a letter for each, C for a new Event, P for a change of its series.
  std::string Wrote() {
    std::string wrote;
    for (const KubeWrite& one : api.writes()) wrote += one.verb == KubeVerb::kCreate ? 'C' : 'P';
    return wrote;
  }
  /// Until the server was asked that often, all in all.
  void WaitForTries(int count) const {
    for (int i = 0; i < 10'000 && asked < count; ++i) WaitOrStop({}, 1ms);
    EXPECT_GE(asked, count);
  }

  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  fakes::FakeKube api;
  EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  Error refusal = Transient("Unavailable", "");
  std::atomic<int> refusals = 0;
  std::atomic<int> asked = 0;
};

TEST_F(EventRecorderTest, TriesAgainWhatTheServerMayTakeLater) {
  refusals = 11;
  EventRecorder recorder(api, clock, "test", {12, 1ms});
  Say(recorder, "A");
  Say(recorder, "A");
  WaitForTries(13);
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), "CP") << "a series comes after its Event";
}

TEST_F(EventRecorderTest, GivesUpAfterTwelveTriesAndMakesTheNextOneANewEvent) {
  refusals = 12;
  EventRecorder recorder(api, clock, "test", {12, 1ms});
  Say(recorder, "A");
  WaitForTries(12);
  Say(recorder, "B");
  WaitForTries(13);
  Say(recorder, "A");
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), "CC");
  EXPECT_EQ(asked, 14);
}

TEST_F(EventRecorderTest, WaitsTenSecondsBetweenTriesAndNobodyWaitsForIt) {
  refusals = 1;
  EventRecorder recorder(api, clock, "test");
  Say(recorder, "A");
  WaitForTries(1);
  const SteadyTime start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) Say(recorder, "R" + std::to_string(i));
  EXPECT_EQ(asked, 1);
  recorder.Flush(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 9s) << "an end is no time to wait";
  EXPECT_EQ(Wrote(), std::string(21, 'C'));
}

TEST_F(EventRecorderTest, AnEventThatWasRefusedIsNotAddedTo) {
  refusal = Terminal("Forbidden", "");
  refusals = 1;
  EventRecorder recorder(api, clock, "test");
  Say(recorder, "A");
  WaitForTries(1);
  Say(recorder, "B");
  WaitForTries(2);
  Say(recorder, "A");
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), "CC") << "B, and A anew";
  EXPECT_EQ(asked, 3);
}

TEST_F(EventRecorderTest, AnEventThatTheBudgetKeptBackIsNotAddedTo) {
  EventRecorder recorder(api, clock, "test");
  for (int i = 0; i < 25; ++i) Say(recorder, "R" + std::to_string(i));
  for (int i = 0; i < 10; ++i) Say(recorder, "TooMany");
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), std::string(25, 'C'));
}

TEST_F(EventRecorderTest, AnEventThatIsGoneIsMadeAnew) {
  EventRecorder recorder(api, clock, "test");
  Say(recorder, "A");
  Say(recorder, "B");
  WaitForTries(2);
  api.Remove(kEvents, api.writes().front().name);
  Say(recorder, "A");
  Say(recorder, "C");
  WaitForTries(4);
  Say(recorder, "A");
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), "CCPCC") << "A, B, the series of A, C, and A anew";
}

TEST_F(EventRecorderTest, AnAnswerThatWasLostCostsNothing) {
  EventRecorder recorder(api, clock, "test");
  refusal = Terminal("AlreadyExists", "");
  refusals = 1;
  Say(recorder, "A");
  WaitForTries(1);
  Say(recorder, "A");
  WaitForTries(2);
  EXPECT_EQ(Wrote(), "P") << "the first try had made it";
}

TEST_F(EventRecorderTest, AtItsEndTheLastCountsAreWritten) {
  EventRecorder recorder(api, clock, "test");
  for (int i = 0; i < 7; ++i) Say(recorder, "A");
  recorder.Flush(10s);
  EXPECT_EQ(Wrote(), "CPP");
  EXPECT_EQ(api.writes().back().body["series"]["count"], 7);
}

TEST_F(EventRecorderTest, AtItsEndAServerThatDoesNotAnswerCostsNoMoreThanTheLimit) {
  std::promise<void> answer;
  api.refuse = [held = answer.get_future().share()](const auto&...) {
    held.wait();
    return std::optional<Error>();
  };
  EventRecorder recorder(api, clock, "test");
  Say(recorder, "A");
  const SteadyTime start = std::chrono::steady_clock::now();
  recorder.Flush(50ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  answer.set_value();
}

}  // namespace
}  // namespace etcdrestore
