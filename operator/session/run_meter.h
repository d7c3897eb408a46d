#pragma once

#include <cstdint>
#include <string>

namespace etcdrestore {

/// Hears what a run does to the world, to count it. Every word is one of a closed set. Thread safe:
/// called by all threads of a run.
class RunMeter {
 public:
  virtual ~RunMeter() = default;
  /// A command on a node has ended. `result`: "success" for exit code 0, "failed" for another one,
  /// "error" when it never said.
  virtual void OnCommand(const std::string& /*phase*/, const char* /*result*/, double /*seconds*/) {
  }
  /// `reason`: hostkey, hostkey_unknown, auth, algorithm, timeout, unreachable or other.
  virtual void OnConnectFailure(const char* /*reason*/) {}
  /// Bytes that came from a source to this process. `source`: s3, http, nodes or file.
  virtual void OnDownloaded(const char* /*source*/, std::uint64_t /*bytes*/) {}
  /// A snapshot of that source did not verify.
  virtual void OnBadSnapshot(const char* /*source*/) {}
};

}  // namespace etcdrestore
