// Stands for the operator in the tests of the guard: runs `sh -c SCRIPT` for as long as it says
// itself, LIMIT milliseconds at a time, and prints what the script prints and how it ended.
#include <signal.h>

#include <cstdio>
#include <string>

#include "operator/adapters/process/subprocess.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::chrono::milliseconds limit(std::stoi(argv[1]));
  // As the operator does, which waits for signals in a thread.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const auto ran =
      etcdrestore::RunProcess({}, {{"/bin/sh", "-c", argv[2]},
                                   {"PATH=/usr/bin:/bin"},
                                   "",
                                   [](const std::string& line) {
                                     std::printf("%s\n", line.c_str());
                                     std::fflush(stdout);
                                   },
                                   {},
                                   [limit] { return std::chrono::steady_clock::now() + limit; }});
  if (ran) {
    std::printf("ended with code %d\n", ran->exit_code);
    return 0;
  }
  std::printf("ended by %s\n", ran.error().reason.c_str());
  return 1;
}
