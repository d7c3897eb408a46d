#pragma once

#include <string>

#include "operator/adapters/ssh/session.h"
#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore::ssh {

/// Logs in with the endpoint's key; where it has none and allows it, with the keys of the SSH agent
/// at `agent_socket` (empty: $SSH_AUTH_SOCK). Errors: AuthenticationFailed (says as whom and with
/// which keys), KeyUnreadable, and those of Session::Until. Also the agent is waited for only
/// within the call.
Status Authenticate(const Call& call, Session& session, const NodeEndpoint& node,
                    const std::string& agent_socket);

}  // namespace etcdrestore::ssh
