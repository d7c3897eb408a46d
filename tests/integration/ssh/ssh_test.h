#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "operator/adapters/ssh/ssh_node.h"
#include "tests/integration/ssh/test_sshd.h"

namespace etcdrestore::testing {

/// A call that ends on its own should a test hang.
inline Call ACall(std::chrono::seconds within = std::chrono::seconds(60)) {
  Call call;
  call.deadline = std::chrono::steady_clock::now() + within;
  return call;
}

inline SshConnector AConnector(const std::string& known_hosts) {
  return SshConnector({.known_hosts = known_hosts});
}

/// A connected node; the test fails and stops where that is impossible.
inline std::unique_ptr<Node> Connected(TestSshd& sshd, const NodeEndpoint& endpoint) {
  auto node = AConnector(sshd.KnownHosts()).Connect(ACall(), endpoint);
  if (!node) {
    ADD_FAILURE() << node.error().reason << ": " << node.error().message << "\n" << sshd.Log();
    std::abort();
  }
  return *std::move(node);
}
inline std::unique_ptr<Node> Connected(TestSshd& sshd) { return Connected(sshd, sshd.Node()); }

inline Command Sh(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

inline std::string ReasonOf(const Error& error) { return error.reason + ": " + error.message; }
template <typename T>
std::string ReasonOf(const Result<T>& result) {
  return result ? "no error" : ReasonOf(result.error());
}

inline double SecondsSince(SteadyTime start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace etcdrestore::testing
