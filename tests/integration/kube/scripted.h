#pragma once

#include <future>
#include <memory>
#include <vector>

#include "operator/adapters/kube/kube_client.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore::testing {

/// The real client before a server that says what a test wants. Its time is the test's: pauses are
/// noted and pass at once.
class Scripted {
 public:
  explicit Scripted(HttpTestServer::Handler handler, KubeClientOptions options = {});

  KubeApi& api() { return *api_; }
  [[nodiscard]] KubeAccess Access() const;
  /// Paths and queries, in order.
  [[nodiscard]] std::vector<std::string> asked() const;
  void WaitForRequests(std::size_t count) const { server_.WaitForRequests(count); }

  fakes::VirtualClock clock{*ParseTime("2026-11-22T03:00:00Z")};
  std::vector<Duration> pauses;

 private:
  HttpTestServer server_;
  std::unique_ptr<KubeApi> api_;
};

/// A stream of these lines that then holds the connection open until `over`.
TestReply StreamOf(const std::vector<std::string>& lines, std::shared_future<void> over);
/// A list of ConfigMaps with these names; `more` is its continue token.
TestReply ListOf(const std::vector<std::string>& names, const std::string& more = "");
/// A Status with that code; `retry_after` "" for none.
TestReply Refusal(int status, const std::string& reason, const std::string& retry_after = "");

}  // namespace etcdrestore::testing
