#pragma once

#include <memory>
#include <string>

#include "operator/ports/node.h"

namespace etcdrestore {

/// A Node that writes a line for each command to `path`: time, node, the act and its arguments,
/// exit code, milliseconds. Script text and standard input are not written: URLs and snapshots go
/// that way.
std::unique_ptr<Node> WithCommandLog(std::unique_ptr<Node> node, std::string name,
                                     std::string path);

}  // namespace etcdrestore
