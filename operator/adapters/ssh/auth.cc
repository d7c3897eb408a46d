#include "operator/adapters/ssh/auth.h"

#include <fmt/format.h>
#include <libssh2.h>

#include <memory>

#include "operator/adapters/ssh/private_key.h"
#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

Error Refused(const NodeEndpoint& node, const std::string& tried, const std::string& offers) {
  return Terminal("AuthenticationFailed",
                  fmt::format("node {} refused user {} with {}; it accepts: {}. Check the user and "
                              "key in cluster.yml, and that the key's public half stands in "
                              "~{}/.ssh/authorized_keys on the node",
                              Label(node), node.user, tried,
                              offers.empty() ? "nothing it would say" : offers, node.user));
}

bool IsRefusal(int rc) {
  return rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
}

/// What the server accepts, "publickey,password"; empty when the user is in already.
Result<std::string> OfferedMethods(const Call& call, Session& session, Session::Turn& turn,
                                   const NodeEndpoint& node) {
  const char* methods = nullptr;
  const auto length = static_cast<unsigned>(node.user.size());
  auto listed = session.Until(turn, call, [&] {
    methods = libssh2_userauth_list(session.raw(), node.user.c_str(), length);
    if (methods != nullptr || libssh2_userauth_authenticated(session.raw()) != 0) return 0;
    return libssh2_session_last_errno(session.raw());
  });
  if (!listed) return listed.error();
  if (*listed != 0) return session.Failure("ask how to log in", *listed);
  return methods == nullptr ? std::string() : Printable(methods, 120);
}

Status WithKey(const Call& call, Session& session, Session::Turn& turn, const NodeEndpoint& node,
               const PrivateKeyLabel& label, const std::string& offers) {
  const Secret text = NormalizedKeyText(node.private_key);
  const std::string& key = text.Reveal();
  // The passphrase must never be null: the library would read through it.
  auto done = session.Until(turn, call, [&] {
    return libssh2_userauth_publickey_frommemory(session.raw(), node.user.c_str(), node.user.size(),
                                                 nullptr, 0, key.data(), key.size(),
                                                 node.passphrase.Reveal().c_str());
  });
  if (!done) return done.error();
  if (*done == 0) return {};
  const std::string tried = fmt::format("the {} key {}", label.type, label.fingerprint);
  if (IsRefusal(*done)) return Refused(node, tried, offers);
  const bool about_key = *done == LIBSSH2_ERROR_FILE || *done == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED;
  if (about_key) {
    return Terminal("KeyUnreadable",
                    fmt::format("node {}: {} for {}", node.name,
                                label.encrypted ? "the passphrase does not open the private key"
                                                : "the private key is damaged",
                                tried));
  }
  return session.Failure("log in with " + tried, *done);
}

struct AgentFree {
  void operator()(LIBSSH2_AGENT* agent) const {
    libssh2_agent_disconnect(agent);
    libssh2_agent_free(agent);
  }
};
using Agent = std::unique_ptr<LIBSSH2_AGENT, AgentFree>;

Error NoAgent(const NodeEndpoint& node, const std::string& why) {
  return Terminal("AuthenticationFailed",
                  fmt::format("node {}: no key was given and the SSH agent cannot be used: {}. "
                              "Start one (`eval $(ssh-agent); ssh-add`) or give a key",
                              node.name, why));
}

Status WithAgent(const Call& call, Session& session, Session::Turn& turn, const NodeEndpoint& node,
                 const std::string& socket, const std::string& offers) {
  const Agent agent(libssh2_agent_init(session.raw()));
  if (!agent) return session.Failure("use the SSH agent", LIBSSH2_ERROR_ALLOC);
  if (!socket.empty()) libssh2_agent_set_identity_path(agent.get(), socket.c_str());
  if (libssh2_agent_connect(agent.get()) != 0)
    return NoAgent(node, "SSH_AUTH_SOCK is not set or nobody answers there");
  if (libssh2_agent_list_identities(agent.get()) != 0) {
    if (const auto over = call.Over()) return *over;
    return NoAgent(node, "it does not list its keys");
  }
  std::string tried;
  libssh2_agent_publickey* identity = nullptr;
  while (libssh2_agent_get_identity(agent.get(), &identity, identity) == 0) {
    auto done = session.Until(turn, call, [&] {
      return libssh2_agent_userauth(agent.get(), node.user.c_str(), identity);
    });
    if (!done) return done.error();
    if (*done == 0) return {};
    const std::string_view blob(reinterpret_cast<const char*>(identity->blob), identity->blob_len);
    tried += (tried.empty() ? "" : ", ") + Fingerprint(blob);
    // A server gives up after MaxAuthTries keys; that is an answer too, not a lost line.
    if (session.transport().broken()) {
      return Refused(node, "the SSH agent's keys " + tried + " and then hung up (MaxAuthTries)",
                     offers);
    }
  }
  if (tried.empty()) return NoAgent(node, "it holds no keys");
  return Refused(node, "the SSH agent's keys " + tried, offers);
}

}  // namespace

Status Authenticate(const Call& call, Session& session, const NodeEndpoint& node,
                    const std::string& agent_socket) {
  if (node.user.empty())
    return Terminal("AuthenticationFailed", "node " + node.name + ": no user is given");
  Session::Turn turn(session);
  session.transport().UseForAgent(&call);
  auto offers = OfferedMethods(call, session, turn, node);
  if (!offers) return offers.error();
  if (libssh2_userauth_authenticated(session.raw()) != 0) return {};
  if (offers->find("publickey") == std::string::npos)
    return Refused(node, "any key: public keys are switched off there", *offers);
  Status in;
  if (node.private_key.empty()) {
    if (!node.use_agent) {
      return Terminal("KeyUnreadable", "node " + node.name +
                                           ": no private key is given and the SSH agent is not "
                                           "allowed (ssh_agent_auth in cluster.yml)");
    }
    in = WithAgent(call, session, turn, node, agent_socket, *offers);
  } else {
    auto label = DescribePrivateKey(node.private_key, node.passphrase);
    if (!label) return label.error().In("node " + node.name);
    in = WithKey(call, session, turn, node, *label, *offers);
  }
  session.transport().UseForAgent(nullptr);
  return in;
}

}  // namespace etcdrestore::ssh
