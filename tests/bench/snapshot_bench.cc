// snapshot_bench FILE [ROUNDS]: how long native verification of a snapshot takes, and how that
// compares with the SHA-256 of the same file by the OpenSSL program. Build it in the release
// preset:
//   cmake --preset release && cmake --build --preset release --target snapshot_bench
//   tests/bench/make_large_snapshot.py /var/tmp/large.db && build/release/.../snapshot_bench …
// Each round runs both, one after the other, on a file that is in the page cache.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "operator/snapshot/snapshot.h"

namespace etcdrestore {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds of `openssl dgst -sha256 FILE`, start of the program included; negative when it failed.
double OpenSslSeconds(const std::string& path) {
  const auto start = Clock::now();
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(127);
    execlp("openssl", "openssl", "dgst", "-sha256", path.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) return -1;
  return SecondsSince(start);
}

int Run(const std::string& path, int rounds) {
  double best_native = std::numeric_limits<double>::max();
  double best_openssl = best_native;
  for (int round = 0; round <= rounds; ++round) {
    const double openssl = OpenSslSeconds(path);
    if (openssl < 0) {
      std::fprintf(stderr, "cannot run `openssl dgst -sha256 %s`\n", path.c_str());
      return 1;
    }
    const auto start = Clock::now();
    const auto facts = ReadSnapshot({}, path);
    const double native = SecondsSince(start);
    if (!facts) {
      std::fprintf(stderr, "%s\n", facts.error().message.c_str());
      return 1;
    }
    if (round == 0) {  // warms the page cache
      std::printf("%s: %.1f MiB, revision %lld, %llu entries, %llu live keys\n", path.c_str(),
                  static_cast<double>(facts->size_bytes) / (1 << 20),
                  static_cast<long long>(facts->revision),
                  static_cast<unsigned long long>(facts->total_keys),
                  static_cast<unsigned long long>(facts->live_keys));
      continue;
    }
    std::printf("round %d: native %.3f s, openssl %.3f s, ratio %.2f\n", round, native, openssl,
                native / openssl);
    best_native = std::min(best_native, native);
    best_openssl = std::min(best_openssl, openssl);
  }
  std::printf("best: native %.3f s, openssl %.3f s, ratio %.2f\n", best_native, best_openssl,
              best_native / best_openssl);
  return 0;
}

}  // namespace
}  // namespace etcdrestore

int main(int argc, char** argv) {
  const int rounds = argc == 3 ? std::atoi(argv[2]) : 5;
  if (argc < 2 || argc > 3 || rounds < 1) {
    std::fprintf(stderr, "usage: snapshot_bench FILE [ROUNDS]\n");
    return 2;
  }
  return etcdrestore::Run(argv[1], rounds);
}
