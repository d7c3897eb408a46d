#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etcdrestore::ssh {

/// A server's public key: "ssh-ed25519" and the like, and its wire form.
struct HostKey {
  std::string type;
  std::string blob;
  bool operator==(const HostKey&) const = default;
};

/// What the known hosts say about a key that a server showed. Only kMatch may be trusted.
enum class HostVerdict {
  kMatch,
  kMismatch,              ///< known with another key of this type
  kKnownWithAnotherType,  ///< known, but only by keys of other types: an attacker's usual way round
  kRevoked,               ///< a @revoked line names this very key
  kOnlyCertAuthority,     ///< known only through @cert-authority, which is not validated here
  kUnknown,
};

/// The text of a known_hosts file, read as OpenSSH reads it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT):
/// plain and hashed names, [host]:port, wildcards, negation, lists, @revoked, @cert-authority.
/// Names are compared in lower case. A host on another port than 22 that has no line of its own may
/// match (or be revoked) by the plain host's lines, as in ssh(1). Immutable after Parse; any
/// thread.
class KnownHosts {
 public:
  static KnownHosts Parse(std::string_view text);

  /// Key types the host is known by, to be asked for in the handshake: without that a server may
  /// show a key of another type and be "unknown" instead of changed.
  [[nodiscard]] std::vector<std::string> KeyTypesFor(std::string_view host, int port) const;
  [[nodiscard]] HostVerdict Check(std::string_view host, int port, const HostKey& key) const;
  /// Numbers of lines that could not be read and are ignored, for messages.
  [[nodiscard]] const std::vector<int>& unreadable_lines() const { return unreadable_lines_; }

 private:
  enum class Marker { kNone, kRevoked, kCertAuthority };
  struct Line {
    Marker marker = Marker::kNone;
    std::string hosts;  ///< as written
    HostKey key;
  };
  static bool ParseLine(std::string_view text, Line& line);
  static bool NamesHost(const Line& line, const std::string& name);
  static HostVerdict Verdict(const std::vector<const Line*>& lines, const HostKey& key);
  [[nodiscard]] std::vector<const Line*> LinesNaming(const std::string& name) const;

  std::vector<Line> lines_;
  std::vector<int> unreadable_lines_;
};

/// "host" for port 22, else "[host]:port": how known_hosts spells it.
std::string KnownHostsName(std::string_view host, int port);

}  // namespace etcdrestore::ssh
