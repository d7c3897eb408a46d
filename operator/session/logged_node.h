#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/base/clock.h"
#include "operator/ports/node.h"

namespace etcdrestore {

/// A Node that writes a line for each command to `path`: time, node, the act and its arguments,
/// exit code, milliseconds. Script text and standard input are not written: URLs and snapshots go
/// that way. `may_run` is asked before each command and its error is the command's; empty: always.
/// `ended` hears of each command that was run; may be empty.
std::unique_ptr<Node> WithCommandLog(
    std::unique_ptr<Node> node, std::string name, std::string path,
    std::function<Status(const Command&)> may_run = {},
    std::function<void(const Result<CommandResult>&, Duration)> ended = {});

}  // namespace etcdrestore
