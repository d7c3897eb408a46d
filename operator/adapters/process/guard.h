#pragma once

#include <cstdint>

#include "operator/base/clock.h"

namespace etcdrestore {

/// An order to a guard. A closed socket is one too: kill.
struct GuardOrder {
  /// The program may live until this time of the boot clock, which also counts the time that the
  /// machine sleeps; 0 asks it to end (SIGTERM).
  std::int64_t until = 0;
};

std::int64_t BootNanos();
/// The boot time at which the steady time `until` comes, if the machine does not sleep before;
/// never 0.
std::int64_t BootTimeOf(SteadyTime until, SteadyTime now);

/// The signal that a guard dies of when nobody told it in time that its program may go on.
extern const int kGuardTimedOut;

/// What a guard works with. Plain pointers: it lives in the forked copy of a process with threads,
/// where nothing may be allocated and no lock taken.
struct GuardedProgram {
  char* const* argv;
  char* const* environment;
  const char* folder;  ///< "" for ours
  int output;          ///< stdout and stderr of the program
  int orders;          ///< our end of a SOCK_SEQPACKET socket
  std::int64_t until;  ///< the first order
};

/// Becomes the guard of a program: a process in a session of its own, holding nothing else of ours,
/// that starts the program in a group of its own and kills that group when the time it was given
/// has passed or the socket closes, whatever became of us: ended, killed or stopped. Ends with the
/// program's exit code, 128+n for signal n, or of kGuardTimedOut. To be called after fork.
[[noreturn]] void BeGuard(const GuardedProgram& program);

}  // namespace etcdrestore
