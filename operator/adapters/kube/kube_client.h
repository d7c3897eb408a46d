#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/adapters/http/retry.h"
#include "operator/adapters/kube/kubeconfig.h"
#include "operator/base/clock.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// When a watch is taken for dead.
struct WatchLimits {
  /// Once a stream has carried a bookmark the server repeats one each minute. Before the first one
  /// silence proves nothing: on an object that nobody writes there may never be one.
  Duration bookmark_silence = std::chrono::seconds(170);
  /// A server without progress notifications of its etcd may never say that the beginning is over.
  Duration initial_events = std::chrono::seconds(30);
};

/// Ten tries, as Kubernetes' own clients have them.
Retry KubeRetry();

struct KubeClientOptions {
  std::string field_manager = "etcdrestore";
  std::string user_agent;  ///< etcdrestore/<version> (linux/amd64)
  Retry retry = KubeRetry();
  WatchLimits watch;
  /// Hears of each answer: HTTP code ("<error>" for none), method, seconds. Thread safe; may be
  /// empty.
  std::function<void(const std::string& code, const std::string& method, double seconds)> observe;
  /// Hears of each request that is sent again, and the code that it met. Thread safe; may be empty.
  std::function<void(const std::string& code, const std::string& method)> retried;
  /// Hears each distinct Warning header of the server once, of the last few hundred. Thread safe;
  /// may be empty.
  std::function<void(const std::string&)> warn;
};

/// KubeApi over HTTP/1.1, one connection for each watch and a few kept-alive ones for the rest.
/// Repeats what the server asks to be repeated (Retry-After, of half a minute at most), single
/// reads that met a broken connection, and once after a 401 with fresh credentials. `clock` is
/// borrowed.
std::unique_ptr<KubeApi> MakeKubeClient(KubeAccess access, KubeClientOptions options,
                                        const Clock& clock);

/// /api/v1/namespaces/NS/secrets/NAME, /apis/GROUP/VERSION/PLURAL; encoded. Pure.
std::string KubePath(const KubeType& type, const std::string& name_space, const std::string& name,
                     const std::string& subresource = "");

}  // namespace etcdrestore
