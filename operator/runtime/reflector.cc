#include "operator/runtime/reflector.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;

constexpr int kPage = 500;
/// So long a server's own trouble may pass by itself; then only a list may help.
constexpr auto kInternalTrouble = 30s;

bool VersionRefused(const Error& error) {
  return error.reason == "Expired" || error.reason == "ResourceVersionTooLarge";
}

/// Watches that end one after the other with the server's own trouble.
class Trouble {
 public:
  bool MayPass(const Error& error, SteadyTime now) {
    if (error.reason != "InternalError") return false;
    if (!last_ || now - *last_ > 1min) since_ = now;
    last_ = now;
    return now - since_ <= kInternalTrouble;
  }

 private:
  std::optional<SteadyTime> last_;
  SteadyTime since_{};
};

}  // namespace

void Reflector::Run(const Call& call) {
  const auto list = [&] { return stream_lists_ ? StreamList(call) : List(call); };
  while (!call.stop.stop_requested()) {
    Status listed = list();
    // The version is unknown to this server: asking for the newest state needs no pause.
    if (!listed && version_unavailable_ && VersionRefused(listed.error())) listed = list();
    if (call.stop.stop_requested()) return;
    const Error why = listed ? WatchOn(call) : listed.error();
    if (call.stop.stop_requested()) return;
    Restarted("relist", why);
    deps_.wait(call, backoff_.Next(deps_.clock.Steady()));
  }
}

Status Reflector::List(const Call& call) {
  KubeListOptions options;
  options.resource_version = version_unavailable_ ? "" : version_;
  // A page limit together with a version would be answered from etcd, past the server's cache.
  const bool from_cache = !options.resource_version.empty() && options.resource_version != "0";
  options.page = from_cache && !paged_without_cache_ ? 0 : kPage;
  Status listed = ListOnce(call, options);
  if (listed || listed.error().reason != "PageExpired") return listed;
  options.page = 0;
  return ListOnce(call, options);
}

Status Reflector::ListOnce(const Call& call, const KubeListOptions& options) {
  const auto end = deps_.api.List(call, type_, name_space_, options, [this](KubeObject object) {
    Tell(deps_.cache.ListItem(std::move(object)));
  });
  if (!end) {
    deps_.cache.ListBroken();
    version_unavailable_ = VersionRefused(end.error()) && !version_unavailable_;
    return end.error();
  }
  Tell(deps_.cache.ListEnd());
  version_ = end->resource_version;
  version_unavailable_ = false;
  paged_without_cache_ = options.resource_version == "0" && end->paged;
  synced_ = true;
  return {};
}

Status Reflector::StreamList(const Call& call) {
  KubeWatchOptions options = WatchOptions();
  options.resource_version = version_unavailable_ ? "" : version_;
  options.initial_events = true;
  bool whole = false;
  const Status ended = deps_.api.Watch(call, type_, name_space_, options, [&](KubeEvent event) {
    if (whole) return Take(std::move(event));
    whole = TakeInitial(std::move(event));
  });
  // Why a stream ended that had become a watch, the next watch finds out.
  if (whole) return {};
  deps_.cache.ListBroken();
  if (ended) return Transient("ConnectionLost", "the stream ended before the list was whole");
  const Error& error = ended.error();
  if (VersionRefused(error)) {
    version_unavailable_ = !version_unavailable_;
    return error;
  }
  const bool cannot = error.kind == ErrorKind::kTerminal || error.reason == "InitialEventsLate";
  if (!cannot || call.stop.stop_requested()) return error;
  stream_lists_ = false;
  Restarted("list", error);
  return List(call);
}

bool Reflector::TakeInitial(KubeEvent event) {
  switch (event.type) {
    case KubeEventType::kAdded:
    case KubeEventType::kModified:
      Tell(deps_.cache.ListItem(std::move(event.object)));
      return false;
    case KubeEventType::kDeleted:
      Tell(deps_.cache.Remove(std::move(event.object)));
      return false;
    case KubeEventType::kBookmark:
      break;
  }
  if (!event.initial_end) return false;
  Tell(deps_.cache.ListEnd());
  version_ = MetaOf(event.object, "resourceVersion");
  version_unavailable_ = false;
  synced_ = true;
  return true;
}

Error Reflector::WatchOn(const Call& call) {
  Trouble trouble;
  while (true) {
    const SteadyTime start = deps_.clock.Steady();
    events_ = 0;
    const Status ended = WatchOnce(call);
    if (call.stop.stop_requested()) return Transient("Interrupted", "stopped");
    if (ended) {
      if (events_ == 0 && deps_.clock.Steady() - start < 1s)
        return Transient("VeryShortWatch", "the server ended the watch at once");
      continue;
    }
    const Error& error = ended.error();
    if (error.reason == "WatchSilent") {
      Restarted("watch", error);
      continue;
    }
    // A server that is not there or busy will know the version again: a list would only add to its
    // load.
    const bool away = error.reason == "Unavailable" || error.reason == "TooManyRequests";
    if (!away && !trouble.MayPass(error, deps_.clock.Steady())) return error;
    Restarted("watch", error);
    deps_.wait(call, backoff_.Next(deps_.clock.Steady()));
    if (call.stop.stop_requested()) return Transient("Interrupted", "stopped");
  }
}

Status Reflector::WatchOnce(const Call& call) {
  return deps_.api.Watch(call, type_, name_space_, WatchOptions(),
                         [this](KubeEvent event) { Take(std::move(event)); });
}

KubeWatchOptions Reflector::WatchOptions() const {
  KubeWatchOptions options;
  options.resource_version = version_;
  // Uneven, so that watchers do not come back together.
  options.timeout = 300s + std::chrono::seconds(static_cast<int>(deps_.chance() * 300));
  return options;
}

void Reflector::Take(KubeEvent event) {
  ++events_;
  const std::string version = MetaOf(event.object, "resourceVersion");
  if (!version.empty()) version_ = version;
  if (event.type == KubeEventType::kBookmark) return;
  Tell(event.type == KubeEventType::kDeleted ? deps_.cache.Remove(std::move(event.object))
                                             : deps_.cache.Upsert(std::move(event.object)));
}

void Reflector::Tell(const std::vector<ObjectChange>& changes) {
  for (ObjectChange change : changes) {
    change.first_list = !synced_;
    deps_.changed(change);
  }
}

void Reflector::Restarted(const std::string& what, const Error& error) {
  if (deps_.restarted) deps_.restarted(what, error.reason + ": " + error.message);
}

}  // namespace etcdrestore
