#include "operator/kubernetes/status_publisher.h"

#include "operator/kubernetes/status_document.h"

namespace etcdrestore {

using namespace std::chrono_literals;

SteadyTime Pacer::Due(SteadyTime now) const {
  if (!last_) return now;
  return std::max(now, *last_ + std::chrono::duration_cast<SteadyTime::duration>(gap_));
}

StatusPublisher::StatusPublisher(Deps deps, const EtcdRestore& object)
    : deps_(deps),
      name_{object.name_space, object.name},
      uid_(object.uid),
      pacer_(deps.gap),
      written_(object.raw.value("status", nlohmann::ordered_json())),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

StatusPublisher::~StatusPublisher() = default;

void StatusPublisher::Offer(nlohmann::ordered_json status) {
  const std::lock_guard lock(mutex_);
  pending_ = Numbered{++newest_, std::move(status)};
  wake_.notify_one();
}

void StatusPublisher::Loop(const std::stop_token& stop) {
  Call call;
  call.stop = stop;
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return pending_.has_value(); })) {
    const SteadyTime due = pacer_.Due(deps_.clock.Steady());
    wake_.wait_until(lock, stop, due, [] { return false; });
    if (stop.stop_requested()) return;
    if (!pending_) continue;
    const Numbered next = std::move(*pending_);
    pending_.reset();
    pacer_.Wrote(deps_.clock.Steady());
    lock.unlock();
    const Status wrote = Write(call.Within(20s), next);
    lock.lock();
    const bool may_pass = !wrote && wrote.error().kind == ErrorKind::kTransient;
    if (may_pass && !ObjectGone(wrote.error()) && next.number == newest_) pending_ = next;
  }
}

Status StatusPublisher::Write(const Call& call, const Numbered& numbered) {
  const std::lock_guard lock(writing_);
  if (numbered.number < last_) return {};
  last_ = numbered.number;
  nlohmann::ordered_json next = NextStatus(written_, numbered.status);
  if (next == written_) return {};
  // With the uid, an object of the same name that was made anew is not written to.
  KubeObject body = {
      {"apiVersion", "etcdrestore.io/v1alpha1"},
      {"kind", "EtcdRestore"},
      {"metadata", {{"name", name_.name}, {"namespace", name_.name_space}, {"uid", uid_}}},
      {"status", next}};
  auto wrote =
      deps_.api.Write(call, {KubeVerb::kApply, kEtcdRestores, name_, "status", std::move(body)});
  if (!wrote) {
    deps_.log.Warn("Status not written", {{"namespace", name_.name_space},
                                          {"name", name_.name},
                                          {"reason", wrote.error().reason},
                                          {"error", wrote.error().message}});
    return wrote.error();
  }
  written_ = std::move(next);
  return {};
}

Status StatusPublisher::WriteNow(const Call& call, const nlohmann::ordered_json& status) {
  Numbered next;
  {
    const std::lock_guard lock(mutex_);
    pending_.reset();
    next = {++newest_, status};
    pacer_.Wrote(deps_.clock.Steady());
  }
  return Insist(call, 2s, [&] { return Write(call, next); });
}

}  // namespace etcdrestore
