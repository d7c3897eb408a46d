#pragma once

#include <memory>

#include "operator/adapters/kube/kubeconfig.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore::testing {

/// What becomes of one request and its answer.
struct Fault {
  std::string answer = {};                    ///< these raw bytes instead of the server's answer
  bool never = false;                         ///< taken and never answered
  std::optional<std::size_t> cut_after = {};  ///< bytes of the answer, its head included
  std::size_t piece = 1U << 20U;              ///< most bytes of the answer at once
};

/// A proxy before a real API server that understands requests: it passes them on as the user that
/// it was given, answers and watches as they come, and does to each what the rule says. Clients
/// speak plain HTTP to it, without credentials. The rule is called for one request at a time.
class FaultProxy {
 public:
  using Rule = std::function<Fault(const TestRequest&)>;
  FaultProxy(const KubeAccess& server, Rule rule);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] KubeAccess Access() const;
  [[nodiscard]] std::vector<TestRequest> requests() const { return server_->requests(); }

 private:
  struct Upstream;
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<HttpTestServer> server_;
};

/// A whole answer of the API server, as raw bytes: a Status with that code and reason.
std::string StatusAnswer(int code, const std::string& reason, const std::string& headers = "");
/// A watch stream that says only that, and ends.
std::string ErrorEventAnswer(int code, const std::string& reason);

}  // namespace etcdrestore::testing
