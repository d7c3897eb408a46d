#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/ports/object_store.h"

namespace etcdrestore::fakes {

struct StoredObject {
  std::string bytes;
  SystemTime modified{};
};

/// What several stores may show: kept outside so that a test can change it meanwhile.
struct MemoryBucket {
  std::map<std::string, StoredObject> objects;
  std::optional<Error> list_error;
  int gets = 0;
};

/// Objects in memory. Borrows the bucket.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(MemoryBucket& bucket, std::string name = "memory")
      : bucket_(bucket), name_(std::move(name)) {}
  Result<std::vector<ObjectInfo>> List(const Call& call, const std::string& prefix) override;
  Result<ObjectInfo> Head(const Call& call, const std::string& key) override;
  Result<ObjectInfo> Get(const Call& call, const std::string& key, const ByteSink& sink) override;
  Result<Secret> Presign(const std::string& key, std::chrono::seconds validity,
                         SystemTime now) override;
  [[nodiscard]] std::string Describe() const override { return name_; }

 private:
  MemoryBucket& bucket_;
  std::string name_;
};

}  // namespace etcdrestore::fakes
