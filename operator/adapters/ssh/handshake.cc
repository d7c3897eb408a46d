// The part of Session that runs before any command: connect, agree, check the host key, log in.
#include <fmt/format.h>
#include <libssh2.h>

#include "operator/adapters/ssh/auth.h"
#include "operator/adapters/ssh/session.h"
#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

// Signatures with SHA-1 (ssh-rsa) are left out: servers with RSA keys make better ones since 2016.
constexpr std::string_view kAnyHostKey =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
    "rsa-sha2-256";

// Hardware AES beats libssh2's own first choice; the rest is its list of what is still sound.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,"
    "aes192-ctr,aes256-ctr";

/// Key types are what known_hosts names, algorithms what a handshake asks for.
std::string AlgorithmsFor(const std::vector<std::string>& types) {
  std::string algorithms;
  for (const std::string& type : types) {
    const std::string names = type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
    // sk-…, ssh-dss and whatever comes later are unknown to libssh2, which would refuse the list.
    if (kAnyHostKey.find(names) == std::string_view::npos) continue;
    algorithms += (algorithms.empty() ? "" : ",") + names;
  }
  return algorithms.empty() ? std::string(kAnyHostKey) : algorithms;
}

Error BoundedBy(const Call& outer, const NodeEndpoint& node, const Error& error) {
  if (error.reason == "DeadlineExceeded" && !outer.Over()) {
    return Transient("Unreachable",
                     fmt::format("node {} took the connection, but did not finish the SSH "
                                 "handshake in time. It may be overloaded, or something else than "
                                 "an SSH server listens there",
                                 Label(node)));
  }
  if (error.reason == "ConnectionLost") return Error{error.kind, "Unreachable", error.message};
  return error;
}

}  // namespace

Error Session::HandshakeFailure(int rc) {
  char* text = nullptr;
  libssh2_session_last_error(raw_, &text, nullptr, 0);
  const std::string seen = text == nullptr ? "" : Printable(text);
  const char* banner = libssh2_session_banner_get(raw_);
  const std::string server = banner == nullptr ? "" : Printable(banner, 80);
  if (rc == LIBSSH2_ERROR_HOSTKEY_SIGN || rc == LIBSSH2_ERROR_HOSTKEY_INIT) {
    return Terminal("HostKeyMismatch",
                    fmt::format("node {} could not prove that the host key it showed is its own "
                                "({}). Somebody may stand between. Nothing was sent to it",
                                Label(node_), seen));
  }
  const bool disagreed = rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE ||
                         rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE;
  if (disagreed && !transport_.broken()) {
    return Terminal("AlgorithmMismatch",
                    fmt::format("node {} ({}) shares no key exchange, host key type, cipher or MAC "
                                "with this program ({}). `ssh -vv` shows what it offers; a list in "
                                "its sshd_config is too narrow or the server too old",
                                Label(node_), server, seen));
  }
  std::string why = "its SSH server is " + server + "; its log says more";
  if (!server.starts_with("SSH-")) {
    why = (server.empty() ? "it sent no SSH greeting"
                          : "it sent \"" + server + "\" instead of an SSH greeting") +
          ". Either something else than an SSH server listens there, or the server is overloaded "
          "(MaxStartups)";
  }
  return Transient("Unreachable", fmt::format("node {} ended the SSH handshake ({}): {}",
                                              Label(node_), seen, why));
}

Status Session::Handshake(const Call& call, const std::vector<std::string>& types) {
  Turn turn(*this);
  const std::string algorithms = AlgorithmsFor(types);
  libssh2_session_method_pref(raw_, LIBSSH2_METHOD_HOSTKEY, algorithms.c_str());
  libssh2_session_method_pref(raw_, LIBSSH2_METHOD_CRYPT_CS, kCiphers);
  libssh2_session_method_pref(raw_, LIBSSH2_METHOD_CRYPT_SC, kCiphers);
  auto shaken = Until(turn, call, [&] { return libssh2_session_handshake(raw_, transport_.fd()); });
  if (!shaken) return shaken.error();
  if (*shaken != 0) return HandshakeFailure(*shaken);
  std::size_t size = 0;
  int kind = 0;
  const char* blob = libssh2_session_hostkey(raw_, &size, &kind);
  host_key_.blob.assign(blob == nullptr ? "" : blob, size);
  std::string_view rest = host_key_.blob;
  host_key_.type = TakeString(rest).value_or("unknown");
  return {};
}

Result<std::shared_ptr<Session>> Session::Shake(const Call& call, const NodeEndpoint& node,
                                                const Options& options,
                                                const std::vector<std::string>& types) {
  auto socket = ConnectTcp(call, node.address, node.port, options.timeouts.connect);
  if (!socket) return socket.error().In("node " + node.name);
  const std::shared_ptr<Session> session(new Session(node, *std::move(socket), options));
  Status shaken = session->Handshake(call.Within(options.timeouts.handshake), types);
  if (!shaken) return BoundedBy(call, node, shaken.error());
  return session;
}

Result<std::shared_ptr<Session>> Session::Open(const Call& call, const NodeEndpoint& node,
                                               HostKeyGate& gate, const Options& options) {
  const std::vector<std::string> types = gate.KeyTypesFor(node);
  auto session = Shake(call, node, options, types);
  // The server has none of the types it is known by: ask for any, only to say what it shows now.
  if (!session && session.error().reason == "AlgorithmMismatch" && !types.empty())
    session = Shake(call, node, options, {});
  if (!session) return session.error();
  if (Status trusted = gate.Judge(node, (*session)->host_key()); !trusted) return trusted.error();
  const Call bounded = call.Within(options.timeouts.handshake);
  Status in = Authenticate(bounded, **session, node, options.agent_socket);
  if (!in) return BoundedBy(call, node, in.error());
  return session;
}

}  // namespace etcdrestore::ssh
