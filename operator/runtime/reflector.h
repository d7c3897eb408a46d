#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "operator/runtime/backoff.h"
#include "operator/runtime/object_cache.h"

namespace etcdrestore {

/// Keeps a cache equal to the server's objects of one type: a list, then WATCH from there, and a
/// list again only when the server says that the past is gone or something is wrong that only a
/// list can mend. The first list is a consistent read; later ones never go back in time. Lists are
/// streamed by the watch itself where the server can do that, else LIST is used for as long as the
/// process lives.
///
/// The semantics are those of Kubernetes' own reflector. One thread runs it.
class Reflector {
 public:
  struct Deps {
    KubeApi& api;
    const Clock& clock;
    std::function<void(const Call&, Duration)> wait;  ///< returns early when the call is stopped
    std::function<double()> chance;                   ///< uniform in [0, 1)
    ObjectCache& cache;
    /// Hears every change, in order, in the reflector's thread.
    std::function<void(const ObjectChange&)> changed;
    /// Hears why something was begun anew: "relist", "watch", or "list" when streams are given up.
    std::function<void(const std::string& what, const std::string& why)> restarted;
    bool stream_lists = true;
  };
  Reflector(Deps deps, KubeType type, std::string name_space)
      : deps_(std::move(deps)),
        type_(std::move(type)),
        name_space_(std::move(name_space)),
        backoff_(deps_.chance),
        stream_lists_(deps_.stream_lists) {}

  /// Until the call is stopped.
  void Run(const Call& call);
  /// True once a first list has reached the cache. Any thread.
  [[nodiscard]] bool synced() const { return synced_; }

 private:
  Status List(const Call& call);
  Status ListOnce(const Call& call, const KubeListOptions& options);
  Status StreamList(const Call& call);
  /// Watches until only a list can help; the error says why.
  Error WatchOn(const Call& call);
  Status WatchOnce(const Call& call);
  [[nodiscard]] KubeWatchOptions WatchOptions() const;
  void Take(KubeEvent event);
  /// One event of a list that is streamed; true when the list is whole.
  bool TakeInitial(KubeEvent event);
  void Tell(const std::vector<ObjectChange>& changes);
  void Restarted(const std::string& what, const Error& error);

  Deps deps_;
  KubeType type_;
  std::string name_space_;
  Backoff backoff_;
  bool stream_lists_;
  std::string version_;
  bool version_unavailable_ = false;  ///< the server refused it: the next list is a consistent read
  bool paged_without_cache_ = false;
  int events_ = 0;
  std::atomic<bool> synced_ = false;
};

}  // namespace etcdrestore
