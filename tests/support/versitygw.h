#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "operator/adapters/http/s3_store.h"
#include "operator/base/result.h"

namespace etcdrestore::testing {

/// A real S3 server, versitygw 1.8.0 over a temporary folder, on a loopback port. The program comes
/// from ${ETCDRESTORE_CACHE:-~/.cache/etcdrestore}/bin/versitygw-1.8.0/versitygw, where `make deps`
/// puts it. The destructor ends it and removes the folder.
class Versitygw {
 public:
  /// Error MissingProgram when it was not built: a test must fail on it, never skip.
  static Result<std::unique_ptr<Versitygw>> Start();
  ~Versitygw();
  Versitygw(const Versitygw&) = delete;
  Versitygw& operator=(const Versitygw&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] AwsCredentials credentials() const;
  /// Path style, region us-east-1, the right credentials.
  [[nodiscard]] S3Options Options(const std::string& bucket) const;

  Status CreateBucket(const std::string& bucket);
  Status Put(const std::string& bucket, const std::string& key, const std::string& body);

 private:
  Versitygw(std::string folder, int pid, int port);
  Status Send(const std::string& path, const std::string& body);

  const std::string folder_;
  const int pid_;
  const int port_;
  std::unique_ptr<HttpClient> http_;
};

}  // namespace etcdrestore::testing
