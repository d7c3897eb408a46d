#pragma once

#include <memory>
#include <vector>

#include "operator/adapters/kube/kube_client.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore::testing {

/// The real client before a server that says what a test wants. It waits in no real time: what it
/// would have waited is noted.
class Scripted {
 public:
  explicit Scripted(HttpTestServer::Handler handler, KubeClientOptions options = {});

  KubeApi& api() { return *api_; }
  [[nodiscard]] KubeAccess Access() const;
  /// Paths and queries, in order.
  [[nodiscard]] std::vector<std::string> asked() const;

  std::vector<Duration> pauses;

 private:
  RealClock clock_;
  HttpTestServer server_;
  std::unique_ptr<KubeApi> api_;
};

/// A list of ConfigMaps with these names; `more` is its continue token.
TestReply ListOf(const std::vector<std::string>& names, const std::string& more = "");
/// A Status with that code; `retry_after` "" for none.
TestReply Refusal(int status, const std::string& reason, const std::string& retry_after = "");

}  // namespace etcdrestore::testing
