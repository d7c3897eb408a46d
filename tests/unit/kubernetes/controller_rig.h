#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/fenced_kube.h"
#include "operator/kubernetes/status_document.h"
#include "tests/fakes/fake_kube.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {

inline const KubeName kName{"recovery", "one"};

/// A controller with everything around it; each Pass handles what is due and nothing more.
class ControllerRig : public testing::Test, public ControllerObserver {
 protected:
  ControllerRig() {
    guard.AllowUntil(SteadyTime::max());
    api.Put(kSecrets, testing_objects::ItsSecret());
  }
  void OnReconciled(const char* how, double) override {
    result = how;
    stop.request_stop();
  }
  void OnPanic() override { ++panics; }
  void OnStatus(const EtcdRestore&, const nlohmann::ordered_json&) override {
    last_heard = "status";
  }
  void OnAttempt(const std::string& phase, bool well) override {
    attempts.push_back(phase + (well ? " well" : " bad"));
  }
  void OnRunEnded(const EtcdRestore&, const nlohmann::ordered_json&) override { ++ended; }
  void OnGone(const KubeName&) override { last_heard = "gone"; }

  /// The object as it now is on the server reaches the cache, and a worker takes it.
  void Pass() {
    stop = {};
    const auto object = api.Find(kEtcdRestores, kName);
    if (object) {
      Hear(*object);
    }
    PassOnCache();
  }
  /// What the watch brings.
  void Hear(const KubeObject& object) {
    for (const ObjectChange& change : cache.Upsert(object)) controller.Changed(change);
  }
  /// A person changes a field of spec, and the watch brings it.
  void Edit(const char* field, const nlohmann::ordered_json& value) {
    KubeObject object = *api.Find(kEtcdRestores, kName);
    object["spec"][field] = value;
    object["metadata"]["generation"] = object["metadata"].value("generation", 1) + 1;
    Hear(api.Put(kEtcdRestores, object));
  }
  void Cancel() { Edit("cancel", true); }
  void PassOnCache() {
    stop = {};
    queue.Add(kName.Key(), "prod");
    Call call;
    call.stop = stop.get_token();
    controller.Work(call);
  }
  [[nodiscard]] nlohmann::ordered_json StatusNow() const {
    return api.Find(kEtcdRestores, kName)->value("status", nlohmann::ordered_json::object());
  }
  [[nodiscard]] std::string Reason() const {
    const nlohmann::ordered_json status = StatusNow();
    for (const nlohmann::ordered_json& condition : status["conditions"]) {
      if (condition["type"] == "Ready") return condition["reason"];
    }
    return "";
  }
  /// Until the queue gives the object again.
  [[nodiscard]] Duration PauseToNext() {
    const SteadyTime start = clock.Steady();
    const auto due = queue.NextDue();
    return due ? std::chrono::duration_cast<Duration>(*due - start) : Duration(0);
  }
  /// After a first try just now.
  void IsTriedUntilPreflightIsOver() {
    using namespace std::chrono_literals;
    EXPECT_EQ(PauseToNext(), 20s);
    clock.Advance(14min);
    Pass();
    EXPECT_EQ(StatusNow()["phase"], "Preflight");
    clock.Advance(2min);
    Pass();
    EXPECT_EQ(StatusNow()["phase"], "Failed") << "deadlines.preflight after the first try";
  }
  static SessionResult Ends(const SessionInput& input, Ending ending, const Error& error) {
    RunRecord record;
    record.ending = ending;
    record.error = error;
    SessionResult result;
    result.ending = ending;
    result.error = error;
    Target target;
    target.object = input.object;
    result.status = ToStatus(target, record, {});
    return result;
  }

  /// The run is about to pass its point of no return.
  void PassThePoint(const SessionInput& input) {
    RunRecord record;
    record.point_of_no_return = clock.Now();
    input.on_status(nlohmann::ordered_json{{"phase", "Preflight"},
                                           {"runID", "r1"},
                                           {"pointOfNoReturn", FormatTime(clock.Now())},
                                           {"conditions", nlohmann::ordered_json::array()}},
                    record);
  }
  static SessionResult EndsPastThePoint(const SessionInput& input, const Error& error) {
    SessionResult result = Ends(input, Ending::kNeedsAttention, error);
    result.status["pointOfNoReturn"] = "2026-11-22T03:30:00Z";
    result.status["timeline"] = {{{"phase", "Up"}, {"startedAt", "2026-11-22T03:30:00Z"}}};
    return result;
  }
  /// The object as a process left it that died, or ended badly, past the point of no return.
  void PutHalfDone(const char* phase) {
    KubeObject object = testing_objects::HalfDoneAt(phase);
    object["metadata"]["finalizers"] = {kFinalizer};
    api.Put(kEtcdRestores, object);
    ASSERT_TRUE(ledger.Write(
        {}, Object(),
        {Object().RunKey(), "u1", "2026-11-22T03:00:00Z", "2026-11-22T03:10:00Z", "", ""}));
    const auto values = ApiValues::Read({}, api, Object());
    ASSERT_TRUE(values);
    ASSERT_TRUE(ledger.KeepInputs({}, Object(), values->CopyOf()));
  }
  /// Without Events, which a thread of their own writes.
  [[nodiscard]] std::size_t Writes() const {
    const auto all = api.writes();
    const auto told = [](const KubeWrite& write) { return write.type != kEvents; };
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), told));
  }
  [[nodiscard]] EtcdRestore Object() const {
    return testing_objects::Parsed(*api.Find(kEtcdRestores, kName));
  }
  [[nodiscard]] bool HasFinalizer() const { return Held(Object()); }
  [[nodiscard]] bool HasInputs() { return ledger.Inputs({}, Object())->has_value(); }
  [[nodiscard]] LedgerEntry Entry() { return **ledger.Read({}, Object()); }

  /// The object is deleted and applied again.
  void MakeAnew() {
    api.Remove(kEtcdRestores, kName);
    KubeObject again = testing_objects::AnObject();
    again["metadata"]["uid"] = "u2";
    api.Put(kEtcdRestores, again);
  }

  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:30:00Z")};
  fakes::FakeKube api;
  LeaderGuard guard{clock};
  FencedKube fenced{api, guard};
  ObjectCache cache;
  WorkQueue queue{clock};
  RunLedger ledger{fenced, "ops"};
  EventRecorder events{fenced, clock, "test"};
  std::stop_source stop;
  int runs = 0;
  int ended = 0;
  int panics = 0;
  std::string result;
  std::string last_heard;
  std::vector<std::string> attempts;
  Controller::RunFunction run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kDone, {});
  };
  Controller controller{
      {fenced, clock, cache, queue, guard, ledger, events, NullLogger(), *this,
       [this](const Call& call, const SessionInput& input, RunListener& listener) {
         ++runs;
         const SystemTime began = clock.Now();
         SessionResult ended_so = run(call, input, listener);
         if (ended_so.status.is_object()) ended_so.status["startTime"] = FormatTime(began);
         return ended_so;
       },
       "/nowhere", "rke", 1}};
};

}  // namespace etcdrestore
