#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/ports/node.h"

namespace etcdrestore::testing {

/// A real OpenSSH server for one test, on a loopback port that the kernel chose, with its own
/// configuration and keys in a temporary folder. The port is listened on here and each connection
/// is handed to an `sshd -i`, so the server is ready at once and connections can be counted, cut
/// and frozen. Commands run as the user who runs the test. Missing programs abort with a message.
class TestSshd {
 public:
  struct Options {
    std::vector<std::string> host_keys = {"ed25519"};     ///< ssh-keygen -t
    std::vector<std::string> config = {};                 ///< lines put before the defaults
    std::map<std::string, std::string> environment = {};  ///< of commands; HOME is empty by default
  };
  struct KeyKind {
    std::string type = "ed25519";
    std::string bits = {};           ///< ssh-keygen -b; empty: its default
    std::string format = "RFC4716";  ///< ssh-keygen -m; RFC4716 is the OpenSSH format
    std::string passphrase = {};
    bool authorised = true;
  };

  TestSshd() : TestSshd(Options{}) {}
  explicit TestSshd(const Options& options);
  ~TestSshd();
  TestSshd(const TestSshd&) = delete;
  TestSshd& operator=(const TestSshd&) = delete;

  /// A node that can log in with a fresh ed25519 key.
  NodeEndpoint Node();
  /// Makes a key and returns its private text; its file is `dir()/key-<n>`.
  std::string MakeKey(const KeyKind& kind);
  [[nodiscard]] std::string LastKeyFile() const { return last_key_; }

  /// Lines for known_hosts, one a host key.
  [[nodiscard]] std::string KnownHosts() const;
  /// "ssh-ed25519 AAAA…" of one host key.
  [[nodiscard]] std::string HostKey(const std::string& type = "ed25519") const;
  /// As `ssh-keygen -lf` prints it.
  [[nodiscard]] std::string HostKeyFingerprint(const std::string& type = "ed25519") const;
  void ReplaceHostKey(const std::string& type = "ed25519");

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::filesystem::path dir() const { return dir_; }
  [[nodiscard]] std::string Log() const;
  /// Connections taken since the start.
  [[nodiscard]] int connections();
  /// Ends all connections, as a lost line would; new ones are welcome.
  void Cut();
  /// Stops all server processes, and lets them go on.
  void Freeze();
  void Thaw();

 private:
  struct Connection {
    int socket = -1;
    pid_t pid = -1;
  };
  void Serve();
  void SignalAll(int signal);

  std::filesystem::path dir_;
  std::string last_key_;
  int listener_ = -1;
  int port_ = 0;
  int keys_ = 0;
  std::mutex mutex_;
  std::vector<Connection> connections_;
  std::thread acceptor_;
};

/// Runs a program and returns its standard output; aborts when it fails.
std::string RunProgram(const std::vector<std::string>& argv);
std::string ReadText(const std::filesystem::path& path);
void WriteText(const std::filesystem::path& path, const std::string& text, bool executable = false);

}  // namespace etcdrestore::testing
