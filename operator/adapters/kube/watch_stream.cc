#include "operator/adapters/kube/watch_stream.h"

#include "operator/adapters/kube/api_error.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kMaxObject = 8U << 20U;

/// Of the events that are about an object; nullopt for any other word.
std::optional<KubeEventType> TypeOf(const std::string& kind) {
  if (kind == "ADDED") return KubeEventType::kAdded;
  if (kind == "MODIFIED") return KubeEventType::kModified;
  if (kind == "DELETED") return KubeEventType::kDeleted;
  return std::nullopt;
}

bool EndsInitialEvents(const KubeObject& bookmark) {
  return TextField(ObjectField(ObjectField(bookmark, "metadata"), "annotations"),
                   "k8s.io/initial-events-end") == "true";
}

bool IsOf(const KubeType& type, const KubeObject& object) {
  return TextField(object, "apiVersion") == type.ApiVersion() &&
         (type.kind.empty() || TextField(object, "kind") == type.kind);
}

}  // namespace

WatchStream::WatchStream(Deps deps, bool initial_events)
    : deps_(std::move(deps)),
      frames_([this](KubeObject frame) { return TakeFrame(std::move(frame)); }, kMaxObject) {
  if (initial_events) late_at_ = In(deps_.limits.initial_events);
}

Status WatchStream::Alive() const {
  const SteadyTime now = deps_.clock.Steady();
  if (late_at_ && now >= *late_at_)
    return Transient("InitialEventsLate",
                     deps_.doing + ": the server did not say that its list is whole");
  if (silent_at_ && now >= *silent_at_)
    return Transient("WatchSilent", deps_.doing + ": no bookmark for " +
                                        HumanDuration(deps_.limits.bookmark_silence));
  return {};
}

Status WatchStream::TakeFrame(KubeObject frame) {
  const std::string kind = TextField(frame, "type");
  KubeObject object = frame.contains("object") ? std::move(frame["object"]) : KubeObject();
  if (kind == "ERROR") return ApiStatusError(deps_.doing, object.dump(), 0);
  const auto what = TypeOf(kind);
  if ((!what && kind != "BOOKMARK") || !IsOf(deps_.type, object)) {
    deps_.log.Warn("Watch event left out", {{"type", kind},
                                            {"apiVersion", TextField(object, "apiVersion")},
                                            {"kind", TextField(object, "kind")}});
    return {};
  }
  if (!what || silent_at_) silent_at_ = In(deps_.limits.bookmark_silence);
  if (what) {
    deps_.event({*what, std::move(object)});
  } else {
    TakeBookmark(std::move(object));
  }
  return {};
}

void WatchStream::TakeBookmark(KubeObject bookmark) {
  const bool initial_end = EndsInitialEvents(bookmark);
  if (initial_end) late_at_.reset();
  deps_.event({KubeEventType::kBookmark, std::move(bookmark), initial_end});
}

SteadyTime WatchStream::In(Duration duration) const {
  return deps_.clock.Steady() + std::chrono::duration_cast<SteadyTime::duration>(duration);
}

}  // namespace etcdrestore
