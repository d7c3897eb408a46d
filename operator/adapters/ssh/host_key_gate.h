#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operator/adapters/ssh/known_hosts.h"
#include "operator/base/result.h"
#include "operator/ports/node.h"

namespace etcdrestore {

/// A key taken under kAcceptNew, for the record.
struct AcceptedHostKey {
  std::string node;
  std::string address;
  int port = 22;
  std::string type;
  std::string fingerprint;       ///< "SHA256:…"
  std::string known_hosts_line;  ///< to be added to the known hosts
};

namespace ssh {

enum class HostKeyPolicy {
  kStrict,     ///< only keys that the known hosts name
  kAcceptNew,  ///< also the first key of a host that nothing is known about
};

/// Decides about the keys that servers show. Under kAcceptNew the first key is remembered for the
/// life of this object and nothing else is taken from then on. Thread safe.
class HostKeyGate {
 public:
  using OnAccept = std::function<void(const AcceptedHostKey&)>;
  HostKeyGate(std::string_view known_hosts, HostKeyPolicy policy, OnAccept on_accept);

  /// Types to ask the server for; empty when any will do.
  [[nodiscard]] std::vector<std::string> KeyTypesFor(const NodeEndpoint& node) const;
  /// Errors HostKeyMismatch, HostKeyUnknown. `on_accept` is called at most once a host, without
  /// locks held, by the thread that connects.
  Status Judge(const NodeEndpoint& node, const HostKey& key);

 private:
  Status AcceptNew(const NodeEndpoint& node, const HostKey& key);
  [[nodiscard]] std::string IgnoredLines() const;

  const KnownHosts known_;
  const HostKeyPolicy policy_;
  const OnAccept on_accept_;
  mutable std::mutex mutex_;
  std::map<std::string, HostKey> accepted_;  ///< by name as known_hosts spells it
};

}  // namespace ssh
}  // namespace etcdrestore
