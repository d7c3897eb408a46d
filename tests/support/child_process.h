#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace etcdrestore::testing {

/// A program that a test starts: its words go to a file, the destructor kills it.
class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(const std::vector<std::string>& argv, const std::string& log,
               const std::vector<std::string>& environment = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] bool started() const { return pid_ > 0; }
  [[nodiscard]] int pid() const { return pid_; }
  /// What it said so far.
  [[nodiscard]] std::string Log() const;
  /// True when `seen` became true within the time and before the program ended.
  [[nodiscard]] bool WaitUntil(const std::function<bool()>& seen,
                               std::chrono::seconds limit = std::chrono::seconds(60)) const;
  [[nodiscard]] bool WaitForLog(const std::string& text) const;
  void Signal(int signal) const;
  /// Waits for its end; the exit code, 128+n after signal n, -1 when the time is over.
  int Wait(std::chrono::seconds limit = std::chrono::seconds(60));
  void Kill();

 private:
  int pid_ = -1;
  std::string log_;
};

/// A loopback port that was free a moment ago.
int FreePort();

}  // namespace etcdrestore::testing
