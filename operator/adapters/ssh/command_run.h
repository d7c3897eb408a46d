#pragma once

#include <string>

#include "operator/adapters/ssh/session.h"
#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/ports/node.h"

struct _LIBSSH2_CHANNEL;

namespace etcdrestore::ssh {

/// Runs one shell line on a channel just opened and gives the channel back, whatever happens.
/// Input, output and bounds as in Command; its argv is not looked at. The calling thread calls the
/// source and the sink, without locks held. Errors: ConnectionLost (the command may or may not have
/// run), ChannelRefused (the server runs no commands; it did not run), Interrupted,
/// DeadlineExceeded, and whatever the source or the sink said; after these the program is left as
/// ssh_node.h says.
Result<CommandResult> RunLine(const Call& call, Session& session, _LIBSSH2_CHANNEL* channel,
                              const std::string& line, const Command& command);

/// 128+n of a signal's name without "SIG"; 255 for an unknown one.
int ExitCodeOfSignal(std::string_view name);

}  // namespace etcdrestore::ssh
