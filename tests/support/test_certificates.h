#pragma once

#include <memory>
#include <string>

namespace etcdrestore::testing {

struct CertificateAndKey {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM
};

/// A certificate authority made for one test. Valid from an hour ago for a day.
class TestCa {
 public:
  TestCa();
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  [[nodiscard]] std::string pem() const;
  /// For a server or client; `names` as OpenSSL writes them: "IP:127.0.0.1", "DNS:localhost".
  /// `from` and `until` in seconds from now.
  [[nodiscard]] CertificateAndKey Issue(const std::string& names, long from = -3600,
                                        long until = 86400) const;
  /// For a client of an API server: user and group as Kubernetes reads them from CN and O.
  [[nodiscard]] CertificateAndKey IssueClient(const std::string& user,
                                              const std::string& group) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace etcdrestore::testing
