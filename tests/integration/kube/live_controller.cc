#include "tests/integration/kube/live_controller.h"

#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {

LiveController::LiveController(KubeApi& api, Controller::RunFunction run)
    : clock(RealClock().Now()),
      ledger(api, "etcdrestore-system"),
      events(api, clock, "test"),
      guard_(clock),
      queue_(clock),
      controller_({api, clock, cache_, queue_, guard_, ledger, events, NullLogger(), *this,
                   [this, run = std::move(run)](const Call& call, const SessionInput& input,
                                                RunListener& listener) {
                     ++runs;
                     return run(call, input, listener);
                   },
                   Server().folder(), "rke"}) {
  guard_.AllowUntil(SteadyTime::max());
}

void LiveController::Hear(const KubeObject& object) {
  for (const ObjectChange& change : cache_.Upsert(object)) controller_.Changed(change);
}

void LiveController::Pass(const KubeName& name) {
  stop = {};
  queue_.Add(name.Key(), name.Key());
  Call call;
  call.stop = stop.get_token();
  controller_.Work(call);
}

void LiveController::OnReconciled(const char* how, double /*seconds*/) {
  result = how;
  stop.request_stop();
}
void LiveController::OnStatus(const EtcdRestore& /*object*/,
                              const nlohmann::ordered_json& /*status*/) {}
void LiveController::OnRunEnded(const EtcdRestore& /*object*/,
                                const nlohmann::ordered_json& status) {
  last = status;
}
void LiveController::OnGone(const KubeName& /*name*/) {}

Status PassThePoint(const SessionInput& input) {
  const RealClock clock;
  RunRecord record;
  record.point_of_no_return = clock.Now();
  input.on_status(nlohmann::ordered_json{{"phase", "Cleaned"},
                                         {"runID", input.object.spec.run_id},
                                         {"pointOfNoReturn", FormatTime(clock.Now())},
                                         {"conditions", nlohmann::ordered_json::array()}},
                  record);
  return input.may_act(true);
}

SessionResult Ends(const SessionInput& input, Ending ending, const Error& error) {
  RunRecord record;
  record.ending = ending;
  record.error = error;
  Target target;
  target.object = input.object;
  SessionResult result;
  result.ending = ending;
  result.error = error;
  result.status = ToStatus(target, record, {});
  return result;
}

}  // namespace etcdrestore::testing
