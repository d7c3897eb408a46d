#pragma once

namespace etcdrestore {

/// The whole program: parses the command line, runs the command, gives the exit code of design 6.
/// Signals: the first SIGINT or SIGTERM lets the current act end and stops at a safe point; the
/// second one ends the process at once (the next start goes on where the nodes show it stopped).
int RunCommandLine(int argc, char** argv);

}  // namespace etcdrestore
