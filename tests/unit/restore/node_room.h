#pragma once

#include <memory>
#include <string>

#include "reconcilers/restore/script_machine.h"

namespace etcdrestore {

/// A machine of its own inside this one: /opt, /var/lib and /etc of a mount namespace are folders
/// of the test, docker is a shell script with its state in files. The real node script runs in it
/// under /bin/sh. Needs root.
class NodeRoom {
 public:
  NodeRoom();
  ~NodeRoom();
  NodeRoom(const NodeRoom&) = delete;
  NodeRoom& operator=(const NodeRoom&) = delete;

  /// What the operator would hold: the machine as process `holder` of run `run` sees it.
  [[nodiscard]] std::unique_ptr<Machine> As(const std::string& holder,
                                            const std::string& run = "r1-1") const;
  [[nodiscard]] std::unique_ptr<Node> Shell() const;

  /// Paths as the node sees them, under the room's folder: At("/var/lib/etcd").
  [[nodiscard]] std::string At(const std::string& path) const { return folder_ + "/root" + path; }
  void Write(const std::string& path, const std::string& text) const;
  [[nodiscard]] std::string Read(const std::string& path) const;
  [[nodiscard]] bool Exists(const std::string& path) const;
  /// "running always", "stopped no".
  void Container(const std::string& name, const std::string& state) const;
  [[nodiscard]] std::string ContainerState(const std::string& name) const;
  /// A shell script that is a program of the node; it may use $FAKE_DOCKER as a place of its own.
  void Program(const std::string& name, const std::string& script) const;
  [[nodiscard]] std::string DockerLog() const;
  /// How many calls of docker had these words.
  [[nodiscard]] int DockerCalls(const std::string& words) const;
  /// A shell line run in the namespace before the script: further mounts.
  void Before(const std::string& line) { before_ = line; }
  /// Every file and its content, as text: equal before and after means nothing was changed.
  [[nodiscard]] std::string Everything() const;

 private:
  std::string folder_;
  std::string before_;
};

}  // namespace etcdrestore
