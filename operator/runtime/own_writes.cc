#include "operator/runtime/own_writes.h"

#include <algorithm>

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

Result<KubeObject> OwnWrites::Get(const Call& call, const KubeType& type, const KubeName& name) {
  const SteadyTime asked = clock_.Steady();
  auto got = ForwardingKube::Get(call, type, name);
  const bool gone = !got && got.error().reason == "NotFound";
  if (type != type_ || (!got && !gone)) return got;
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(name);
  // What was written while we asked is newer than the answer.
  if (found == written_.end() || found->second.at > asked) return got;
  if (gone) {
    written_.erase(found);
  } else {
    found->second = {MetaOf(*got, "uid"), MetaOf(*got, "resourceVersion"), clock_.Steady()};
  }
  return got;
}

Result<KubeObject> OwnWrites::Write(const Call& call, const KubeWrite& write) {
  auto wrote = ForwardingKube::Write(call, write);
  if (!wrote || write.type != type_) return wrote;
  if (!wrote->is_object()) {
    Forget(write.name);
    return wrote;
  }
  const std::lock_guard lock(mutex_);
  written_[write.name] = {MetaOf(*wrote, "uid"), MetaOf(*wrote, "resourceVersion"),
                          clock_.Steady()};
  return wrote;
}

bool OwnWrites::Holds(const KubeObject& cached, const Written& ours) {
  // One made anew under the same name holds nothing of ours, nor ever will.
  if (ours.uid != MetaOf(cached, "uid")) return true;
  const auto age = CompareVersions(MetaOf(cached, "resourceVersion"), ours.version);
  return age && *age >= 0;
}

Freshness OwnWrites::Of(const KubeObject& cached) {
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(NameOf(cached));
  if (found == written_.end()) return Freshness::kSeen;
  if (Holds(cached, found->second)) {
    written_.erase(found);
    return Freshness::kSeen;
  }
  const bool overdue = clock_.Steady() - found->second.at >= kLongestWait;
  return overdue ? Freshness::kAsk : Freshness::kNotYet;
}

void OwnWrites::Changed(const KubeName& name, const CachedObject& now) {
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(name);
  if (found == written_.end()) return;
  if (!now || Holds(*now, found->second)) written_.erase(found);
}

void OwnWrites::Forget(const KubeName& name) {
  const std::lock_guard lock(mutex_);
  written_.erase(name);
}

std::size_t OwnWrites::size() const {
  const std::lock_guard lock(mutex_);
  return written_.size();
}

}  // namespace etcdrestore
