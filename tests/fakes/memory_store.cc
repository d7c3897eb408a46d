#include "tests/fakes/memory_store.h"

namespace etcdrestore::fakes {

Result<std::vector<ObjectInfo>> MemoryStore::List(const Call& /*call*/, const std::string& prefix) {
  if (bucket_.list_error) return *bucket_.list_error;
  std::vector<ObjectInfo> found;
  for (const auto& [key, object] : bucket_.objects) {
    if (key.starts_with(prefix)) found.push_back({key, object.bytes.size(), object.modified});
  }
  return found;
}

Result<ObjectInfo> MemoryStore::Head(const Call& /*call*/, const std::string& key) {
  const auto found = bucket_.objects.find(key);
  if (found == bucket_.objects.end()) return Terminal("NotFound", key + " is not in " + name_);
  return ObjectInfo{key, found->second.bytes.size(), found->second.modified};
}

Result<ObjectInfo> MemoryStore::Get(const Call& call, const std::string& key,
                                    const ByteSink& sink) {
  ++bucket_.gets;
  auto head = Head(call, key);
  if (!head) return head.error();
  const std::string& bytes = bucket_.objects.at(key).bytes;
  for (std::size_t at = 0; at < bytes.size(); at += 65536) {
    if (Status taken = sink(std::string_view(bytes).substr(at, 65536)); !taken)
      return taken.error();
  }
  return head;
}

Result<Secret> MemoryStore::Presign(const std::string& key, std::chrono::seconds /*validity*/,
                                    SystemTime /*now*/) {
  return Secret("https://memory/" + key + "?signature=canary");
}

}  // namespace etcdrestore::fakes
