#include "operator/runtime/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

KubeObject Object(const std::string& name, int version) {
  return {{"metadata",
           {{"namespace", "a"},
            {"name", name},
            {"uid", "uid-" + name},
            {"resourceVersion", std::to_string(version)}}}};
}

/// Answers from a script; when it is used up the call is stopped.
class Script final : public KubeApi {
 public:
  struct ListStep {
    std::vector<KubeObject> items;
    std::optional<Error> error;
    std::string version;
  };
  struct WatchStep {
    std::vector<KubeEvent> events;
    std::optional<Error> error;
    Duration lasts = 5min;
  };
  using Step = std::variant<ListStep, WatchStep>;

  Script(fakes::VirtualClock& clock, std::vector<Step> steps)
      : clock_(clock), steps_(steps.begin(), steps.end()) {}

  Result<KubeObject> Get(const Call&, const KubeType&, const KubeName&) override {
    return Terminal("Unused", "");
  }
  Result<KubeObject> Write(const Call&, const KubeWrite&) override {
    return Terminal("Unused", "");
  }
  Result<KubeListEnd> List(const Call&, const KubeType&, const std::string&,
                           const KubeListOptions& options,
                           const std::function<void(KubeObject)>& item) override {
    log.push_back("list '" + options.resource_version + "' " + std::to_string(options.page));
    if (Ended()) return Transient("Interrupted", "");
    const auto step = std::get<ListStep>(Take());
    for (const KubeObject& one : step.items) item(one);
    if (step.error) return *step.error;
    return KubeListEnd{step.version, false};
  }
  Status Watch(const Call&, const KubeType&, const std::string&, const KubeWatchOptions& options,
               const std::function<void(KubeEvent)>& event) override {
    log.push_back((options.initial_events ? "stream '" : "watch '") + options.resource_version +
                  "'");
    timeouts.push_back(options.timeout);
    if (Ended()) return Transient("Interrupted", "");
    const auto step = std::get<WatchStep>(Take());
    for (const KubeEvent& one : step.events) event(one);
    clock_.Advance(step.lasts);
    return step.error ? Status(*step.error) : Status();
  }

  std::vector<std::string> log;
  std::vector<std::chrono::seconds> timeouts;
  std::stop_source stop;

 private:
  bool Ended() {
    if (steps_.empty()) stop.request_stop();
    return steps_.empty();
  }
  Step Take() {
    Step step = steps_.front();
    steps_.pop_front();
    return step;
  }
  fakes::VirtualClock& clock_;
  std::deque<Step> steps_;
};

struct Rig {
  explicit Rig(std::vector<Script::Step> steps, bool stream = false)
      : script(clock, std::move(steps)) {
    Reflector reflector(
        {script, clock,
         [this](const Call&, Duration pause) {
           pauses.push_back(pause);
           clock.Advance(pause);
         },
         [] { return 0.5; }, cache,
         [this](const ObjectChange& change) {
           changes.push_back((change.now ? "+" : "-") + change.name.name);
         },
         [this](const std::string& what, const std::string&) { restarts.push_back(what); }, stream},
        kEtcdRestores, "");
    Call call;
    call.stop = script.stop.get_token();
    reflector.Run(call);
    synced = reflector.synced();
  }
  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  Script script;
  ObjectCache cache;
  std::vector<std::string> changes;
  std::vector<Duration> pauses;
  std::vector<std::string> restarts;
  bool synced = false;
};

using List = Script::ListStep;
using Watch = Script::WatchStep;
const KubeEventType kAdd = KubeEventType::kAdded;
const Error kExpired = Transient("Expired", "too old");

TEST(Reflector, BeginsWithAConsistentReadAndWatchesFromThere) {
  Rig rig({List{{Object("x", 5)}, {}, "9"}, Watch{{{kAdd, Object("y", 10)}}, {}}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "watch '10'"));
  EXPECT_THAT(rig.changes, ElementsAre("+x", "+y"));
  EXPECT_TRUE(rig.synced);
  EXPECT_TRUE(rig.pauses.empty()) << "the end of a watch is no trouble";
}

TEST(Reflector, ABookmarkMovesTheVersionAndIsNoChange) {
  Rig rig({List{{}, {}, "9"}, Watch{{{KubeEventType::kBookmark, Object("", 77)}}, {}}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "watch '77'"));
  EXPECT_TRUE(rig.changes.empty());
}

TEST(Reflector, AnExpiredWatchIsListedAnewFromTheLastVersion) {
  Rig rig({List{{Object("x", 5)}, {}, "9"}, Watch{{{kAdd, Object("y", 10)}}, kExpired},
           List{{Object("y", 10)}, {}, "12"}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "list '10' 0", "watch '12'"));
  EXPECT_THAT(rig.changes, ElementsAre("+x", "+y", "-x")) << "what the list lacks is gone";
  EXPECT_EQ(rig.pauses.size(), 1U);
}

TEST(Reflector, AVersionThatTheServerRefusesIsDroppedAtOnce) {
  for (const char* reason : {"Expired", "ResourceVersionTooLarge"}) {
    SCOPED_TRACE(reason);
    Rig rig({List{{}, {}, "9"}, Watch{{}, kExpired}, List{{}, Transient(reason, ""), ""},
             List{{}, {}, "3"}});
    EXPECT_THAT(rig.script.log,
                ElementsAre("list '' 500", "watch '9'", "list '9' 0", "list '' 500", "watch '3'"));
    EXPECT_EQ(rig.pauses.size(), 1U);
  }
}

TEST(Reflector, AServerThatIsAwayOrBusyIsNotListed) {
  for (const char* reason : {"Unavailable", "TooManyRequests"}) {
    SCOPED_TRACE(reason);
    const Error error = Transient(reason, "");
    Rig rig({List{{}, {}, "9"}, Watch{{}, error, 0s}, Watch{{}, error, 0s}});
    EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "watch '9'", "watch '9'"));
    EXPECT_THAT(rig.pauses, ElementsAre(1200ms, 2400ms));
  }
}

TEST(Reflector, AnInternalErrorIsWatchedAgainForHalfAMinuteBeforeItIsListed) {
  const Watch broken{{}, Transient("InternalError", ""), 0s};
  Rig rig({List{{}, {}, "9"}, broken, broken, broken, broken, broken, broken, List{{}, {}, "12"}});
  EXPECT_THAT(rig.script.log,
              ElementsAre("list '' 500", "watch '9'", "watch '9'", "watch '9'", "watch '9'",
                          "watch '9'", "watch '9'", "list '9' 0", "watch '12'"));
  EXPECT_THAT(rig.pauses, ElementsAre(1200ms, 2400ms, 4800ms, 9600ms, 19200ms, 38400ms));
}

TEST(Reflector, AnInternalErrorNowAndThenIsNeverListed) {
  const Watch broken{{}, Transient("InternalError", ""), 0s};
  const Watch fine{{{kAdd, Object("x", 10)}}, {}};
  const Watch at_last{{}, Transient("InternalError", "")};
  Rig rig({List{{}, {}, "9"}, broken, fine, broken, at_last, at_last, fine});
  EXPECT_THAT(rig.script.log, testing::Contains(testing::StartsWith("list")).Times(1));
}

TEST(Reflector, ASilentStreamIsOpenedAgainWithoutPause) {
  Rig rig({List{{}, {}, "9"}, Watch{{}, Transient("WatchSilent", "")}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "watch '9'"));
  EXPECT_TRUE(rig.pauses.empty());
}

TEST(Reflector, AWatchThatEndsAtOnceIsAnError) {
  Rig rig({List{{}, {}, "9"}, Watch{{}, {}, 10ms}, List{{}, {}, "9"}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "watch '9'", "list '9' 0", "watch '9'"));
  EXPECT_EQ(rig.pauses.size(), 1U);
}

TEST(Reflector, ABrokenListTakesNothingAway) {
  Rig rig({List{{Object("x", 1), Object("y", 2)}, {}, "9"}, Watch{{}, kExpired},
           List{{Object("x", 1)}, Transient("ConnectionLost", ""), ""},
           List{{Object("x", 1), Object("y", 2)}, {}, "9"}});
  EXPECT_THAT(rig.changes, ElementsAre("+x", "+y"));
}

TEST(Reflector, APageThatExpiredIsListedOnceMoreInOnePieceOfTheSameVersion) {
  const Error page = Transient("PageExpired", "");
  for (const std::string version : {"", "9"}) {
    SCOPED_TRACE("version " + version);
    std::vector<Script::Step> steps;
    if (!version.empty()) {
      steps = {List{{Object("x", 1), Object("y", 2)}, {}, "9"}, Watch{{}, kExpired}};
    }
    steps.insert(steps.end(), {List{{Object("x", 1)}, page, ""}, List{{Object("y", 2)}, {}, "12"}});
    Rig rig(steps);
    EXPECT_THAT(rig.script.log, testing::Contains("list '" + version + "' 0"));
    EXPECT_EQ(rig.script.log.back(), "watch '12'");
    EXPECT_EQ(rig.pauses.size(), version.empty() ? 0U : 1U) << "at once";
    EXPECT_FALSE(rig.cache.Find({"a", "x"})) << "the pages that came before count for nothing";
  }
}

TEST(Reflector, APageThatExpiredThoughThereIsButOneIsAnErrorLikeAnother) {
  const Error page = Transient("PageExpired", "");
  Rig rig({List{{}, page, ""}, List{{}, page, ""}, List{{}, {}, "9"}});
  EXPECT_THAT(rig.script.log, ElementsAre("list '' 500", "list '' 0", "list '' 500", "watch '9'"));
  EXPECT_EQ(rig.pauses.size(), 1U);
}

TEST(Reflector, IsNotSyncedBeforeAListHasEnded) {
  Rig rig({List{{Object("x", 1)}, Terminal("Forbidden", ""), ""}});
  EXPECT_FALSE(rig.synced);
}

TEST(Reflector, WatchesLastFiveToTenMinutes) {
  Rig rig({List{{}, {}, "9"}, Watch{}});
  EXPECT_EQ(rig.script.timeouts.front(), 450s);
}

KubeEvent Added(const std::string& name, int version) {
  return {KubeEventType::kAdded, Object(name, version)};
}
KubeEvent Whole(int version) { return {KubeEventType::kBookmark, Object("", version), true}; }

TEST(ReflectorStream, IsAListAndTheWatchThatFollowsIt) {
  Rig rig({Watch{{Added("y", 9), Added("x", 5), Whole(12), Added("z", 14)}, {}}}, true);
  EXPECT_THAT(rig.script.log, ElementsAre("stream ''", "watch '14'"));
  EXPECT_THAT(rig.changes, ElementsAre("+y", "+x", "+z"));
  EXPECT_TRUE(rig.synced);
  EXPECT_TRUE(rig.pauses.empty());
}

TEST(ReflectorStream, IsNoListBeforeTheServerSaysThatItIsWhole) {
  Rig rig({Watch{{Added("x", 5), {KubeEventType::kBookmark, Object("", 11)}}, {}}}, true);
  EXPECT_FALSE(rig.synced);
  EXPECT_THAT(rig.script.log, ElementsAre("stream ''", "stream ''"))
      << "of a part no version is taken";
}

TEST(ReflectorStream, ThatBreaksOffTakesNothingAway) {
  Rig rig({Watch{{Added("x", 5), Added("y", 6), Whole(9)}, {}}, Watch{{}, kExpired},
           Watch{{Added("x", 5)}, {}}, Watch{{Added("x", 5), Whole(12)}, {}}},
          true);
  EXPECT_THAT(rig.script.log,
              ElementsAre("stream ''", "watch '9'", "stream '9'", "stream '9'", "watch '12'"));
  EXPECT_THAT(rig.changes, ElementsAre("+x", "+y", "-y")) << "gone when the list is whole";
}

TEST(ReflectorStream, ADeletionInItsBeginningRemoves) {
  Rig rig({Watch{{Added("x", 5), {KubeEventType::kDeleted, Object("x", 6)}, Whole(9)}, {}}}, true);
  EXPECT_THAT(rig.changes, ElementsAre("+x", "-x"));
  EXPECT_EQ(rig.cache.size(), 0U);
}

TEST(ReflectorStream, AServerThatCannotStreamIsListedFromThenOn) {
  for (const Error& error : {Terminal("Invalid", "forbidden unless the gate is on"),
                             Terminal("BadRequest", ""), Transient("InitialEventsLate", "")}) {
    SCOPED_TRACE(error.reason);
    Rig rig({Watch{{}, error}, List{{Object("x", 5)}, {}, "9"}, Watch{{}, kExpired},
             List{{Object("x", 5)}, {}, "10"}},
            true);
    EXPECT_THAT(rig.script.log,
                ElementsAre("stream ''", "list '' 500", "watch '9'", "list '9' 0", "watch '10'"));
    EXPECT_THAT(rig.restarts, ElementsAre("list", "relist"));
  }
}

TEST(ReflectorStream, AServerThatIsAwayIsStreamedFromLater) {
  Rig rig({Watch{{}, Transient("Unavailable", "")}, Watch{{Whole(9)}, {}}}, true);
  EXPECT_THAT(rig.script.log, ElementsAre("stream ''", "stream ''", "watch '9'"));
  EXPECT_EQ(rig.pauses.size(), 1U);
}

TEST(ReflectorStream, AVersionThatTheServerRefusesIsDroppedAtOnce) {
  Rig rig({Watch{{Whole(9)}, {}}, Watch{{}, kExpired},
           Watch{{}, Transient("ResourceVersionTooLarge", "")}, Watch{{Whole(3)}, {}}},
          true);
  EXPECT_THAT(rig.script.log,
              ElementsAre("stream ''", "watch '9'", "stream '9'", "stream ''", "watch '3'"));
  EXPECT_EQ(rig.pauses.size(), 1U);
}

TEST(Reflector, ADeletionRemoves) {
  Rig rig(
      {List{{Object("x", 1)}, {}, "9"}, Watch{{{KubeEventType::kDeleted, Object("x", 11)}}, {}}});
  EXPECT_THAT(rig.changes, ElementsAre("+x", "-x"));
  EXPECT_EQ(rig.cache.size(), 0U);
  EXPECT_EQ(rig.script.log.back(), "watch '11'");
}

}  // namespace
}  // namespace etcdrestore
