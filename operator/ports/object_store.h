#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"
#include "operator/ports/node.h"

namespace etcdrestore {

struct ObjectInfo {
  std::string key;         ///< whole key, as stored
  std::uint64_t size = 0;  ///< bytes
  SystemTime modified{};   ///< by the store's clock
};

/// Objects under one bucket or one URL. Errors: NotFound, AccessDenied, BadCertificate, BadRequest
/// (terminal); Unavailable, Throttled, Timeout, ConnectionLost (transient). The adapter retries
/// transient failures itself, within the call, and resumes a broken download where it stopped.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// All objects whose key starts with `prefix`, sorted by key.
  virtual Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) = 0;
  virtual Result<ObjectInfo> Head(const Call& call, const std::string& key) = 0;
  /// The whole object to `sink`, each byte once and in order; error ShortBody if it changed under
  /// way.
  virtual Result<ObjectInfo> Get(const Call& call, const std::string& key,
                                 const ByteSink& sink) = 0;
  /// A URL that anyone may GET until `validity` has passed.
  virtual Result<Secret> Presign(const std::string& key, std::chrono::seconds validity,
                                 SystemTime now) = 0;
  /// For messages: "s3 bucket backups at https://s3.example.com". Never a secret.
  [[nodiscard]] virtual std::string Describe() const = 0;
};

}  // namespace etcdrestore
