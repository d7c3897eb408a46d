#pragma once

#include <gtest/gtest.h>

#include "operator/kubernetes/controller.h"
#include "operator/kubernetes/fenced_kube.h"
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
  void OnStatus(const EtcdRestore&, const nlohmann::ordered_json&) override {}
  void OnRunEnded(const EtcdRestore&, const nlohmann::ordered_json&) override { ++ended; }
  void OnGone(const KubeName&) override {}

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
  /// spec.cancel is set while the object runs.
  void Cancel() {
    KubeObject cancelled = *api.Find(kEtcdRestores, kName);
    cancelled["spec"]["cancel"] = true;
    cancelled["metadata"]["generation"] = 2;
    api.Put(kEtcdRestores, cancelled);
    Hear(cancelled);
  }
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
  Controller::RunFunction run = [](const Call&, const SessionInput& input, RunListener&) {
    return Ends(input, Ending::kDone, {});
  };
  Controller controller{
      {fenced, clock, cache, queue, guard, ledger, events, NullLogger(), *this,
       [this](const Call& call, const SessionInput& input, RunListener& listener) {
         ++runs;
         return run(call, input, listener);
       },
       "/nowhere", "rke"}};
};

}  // namespace etcdrestore
