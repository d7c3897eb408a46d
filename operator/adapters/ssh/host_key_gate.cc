#include "operator/adapters/ssh/host_key_gate.h"

#include <fmt/format.h>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

std::string Shown(const NodeEndpoint& node, const HostKey& key) {
  return fmt::format("node {} ({}) showed the {} host key {}", node.name,
                     KnownHostsName(node.address, node.port), key.type, Fingerprint(key.blob));
}

std::string HowToCheck(const NodeEndpoint& node, const HostKey& key) {
  const std::string port = node.port == 22 ? "" : fmt::format("-p {} ", node.port);
  const std::string file = key.type == "ssh-ed25519" ? "ed25519"
                           : key.type == "ssh-rsa"   ? "rsa"
                                                     : "ecdsa";
  return fmt::format(
      "On the node's console `ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub` shows the right "
      "fingerprint; `ssh-keyscan {}{} | ssh-keygen -lf -` shows what the network offers",
      file, port, node.address);
}

}  // namespace

HostKeyGate::HostKeyGate(std::string_view known_hosts, HostKeyPolicy policy, OnAccept on_accept)
    : known_(KnownHosts::Parse(known_hosts)), policy_(policy), on_accept_(std::move(on_accept)) {}

std::vector<std::string> HostKeyGate::KeyTypesFor(const NodeEndpoint& node) const {
  {
    const std::scoped_lock lock(mutex_);
    const auto accepted = accepted_.find(KnownHostsName(node.address, node.port));
    if (accepted != accepted_.end()) return {accepted->second.type};
  }
  return known_.KeyTypesFor(node.address, node.port);
}

Status HostKeyGate::Judge(const NodeEndpoint& node, const HostKey& key) {
  const auto mismatch = [&](const std::string& why, const std::string& next) {
    return Terminal("HostKeyMismatch",
                    fmt::format("{}, but {}. Somebody may stand between, or the node was made "
                                "anew. Nothing was sent to it. {}. {}",
                                Shown(node, key), why, HowToCheck(node, key), next));
  };
  const auto unknown = [&](const std::string& why) {
    return Terminal("HostKeyUnknown", fmt::format("{}, {}. {}. When it is right, add it to the "
                                                  "known hosts: {} {} {}",
                                                  Shown(node, key), why, HowToCheck(node, key),
                                                  KnownHostsName(node.address, node.port), key.type,
                                                  EncodeBase64(key.blob)));
  };
  switch (known_.Check(node.address, node.port, key)) {
    case HostVerdict::kMatch:
      return {};
    case HostVerdict::kMismatch:
      return mismatch("the known hosts hold another key for it",
                      "If it was made anew, replace its line in the known hosts");
    case HostVerdict::kKnownWithAnotherType: {
      std::string types;
      for (const std::string& type : known_.KeyTypesFor(node.address, node.port))
        types += (types.empty() ? "" : ", ") + type;
      return mismatch("the known hosts know it only by another type: " + types,
                      "If it is the node's own, add it to the known hosts");
    }
    case HostVerdict::kRevoked:
      return mismatch("a @revoked line of the known hosts forbids this very key",
                      "Give the node a new host key");
    case HostVerdict::kOnlyCertAuthority:
      return unknown(
          "and the known hosts trust it only through a @cert-authority line, which "
          "cannot be validated here");
    case HostVerdict::kUnknown:
      if (policy_ == HostKeyPolicy::kAcceptNew) return AcceptNew(node, key);
      return unknown("which is not in the known hosts" + IgnoredLines());
  }
  return unknown("and no rule decided about it");
}

Status HostKeyGate::AcceptNew(const NodeEndpoint& node, const HostKey& key) {
  const std::string name = KnownHostsName(node.address, node.port);
  {
    const std::scoped_lock lock(mutex_);
    const auto [seen, first] = accepted_.try_emplace(name, key);
    if (!first && seen->second == key) return {};
    if (!first) {
      return Terminal(
          "HostKeyMismatch",
          fmt::format("{}, but earlier in this run it had {} {}, taken as new. Nothing was sent to "
                      "it. {}",
                      Shown(node, key), seen->second.type, Fingerprint(seen->second.blob),
                      HowToCheck(node, key)));
    }
  }
  if (on_accept_) {
    on_accept_(AcceptedHostKey{node.name, node.address, node.port, key.type, Fingerprint(key.blob),
                               fmt::format("{} {} {}", name, key.type, EncodeBase64(key.blob))});
  }
  return {};
}

std::string HostKeyGate::IgnoredLines() const {
  const std::vector<int>& lines = known_.unreadable_lines();
  if (lines.empty()) return {};
  return fmt::format(" (unreadable lines are ignored: {} of them, the first is line {})",
                     lines.size(), lines.front());
}

}  // namespace etcdrestore::ssh
