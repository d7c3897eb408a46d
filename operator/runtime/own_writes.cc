#include "operator/runtime/own_writes.h"

#include <algorithm>

#include "operator/runtime/object_cache.h"

namespace etcdrestore {
namespace {

constexpr std::chrono::minutes kLongestWait{1};

bool IsNumber(const std::string& version) {
  return !version.empty() && version.front() != '0' &&
         std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<int> CompareVersions(const std::string& version, const std::string& other) {
  if (version == other) return 0;
  if (!IsNumber(version) || !IsNumber(other)) return std::nullopt;
  if (version.size() != other.size()) return version.size() < other.size() ? -1 : 1;
  return version < other ? -1 : 1;
}

Result<KubeObject> OwnWrites::Write(const Call& call, const KubeWrite& write) {
  auto wrote = ForwardingKube::Write(call, write);
  if (!wrote || write.type != type_ || !wrote->is_object()) return wrote;
  const std::lock_guard lock(mutex_);
  written_[write.name] = {MetaOf(*wrote, "uid"), MetaOf(*wrote, "resourceVersion"),
                          clock_.Steady()};
  return wrote;
}

bool OwnWrites::SeenIn(const KubeObject& cached) {
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(NameOf(cached));
  if (found == written_.end()) return true;
  const Written& ours = found->second;
  const bool older = ours.uid == MetaOf(cached, "uid") &&
                     CompareVersions(MetaOf(cached, "resourceVersion"), ours.version) != 0 &&
                     CompareVersions(MetaOf(cached, "resourceVersion"), ours.version) != 1;
  if (older && clock_.Steady() - ours.at < kLongestWait) return false;
  written_.erase(found);
  return true;
}

void OwnWrites::Forget(const KubeName& name) {
  const std::lock_guard lock(mutex_);
  written_.erase(name);
}

}  // namespace etcdrestore
