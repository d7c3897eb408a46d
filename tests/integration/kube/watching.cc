#include "tests/integration/kube/watching.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/kube/server.h"

namespace etcdrestore::testing {

Watching::Watching(KubeAccess access, Duration longest_pause, bool stream_lists) {
  KubeClientOptions options;
  api_ = MakeKubeClient(std::move(access), std::move(options), clock_);
  reflector_ = std::make_unique<Reflector>(
      Reflector::Deps{*api_, clock_,
                      [longest_pause](const Call& call, Duration pause) {
                        WaitOrStop(call, std::min(pause, longest_pause));
                      },
                      [] { return 0.0; }, cache_,
                      [this](const ObjectChange& change) { Changed(change); },
                      [this](const std::string& what, const std::string& why) {
                        const std::lock_guard lock(mutex_);
                        restarts_.push_back(what + " " + why);
                      },
                      stream_lists},
      kConfigMaps, "recovery");
  thread_ = std::jthread([this](const std::stop_token& stop) {
    Call call;
    call.stop = stop;
    reflector_->Run(call);
  });
}

bool Watching::Sees(const std::string& name, const std::string& value) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(60), [&] {
    const CachedObject object = cache_.Find({"recovery", name});
    if (value.empty()) return object == nullptr && reflector_->synced();
    return object != nullptr && (*object)["data"]["key"] == value;
  });
}

std::vector<std::string> Watching::restarts() {
  const std::lock_guard lock(mutex_);
  return restarts_;
}

int Watching::gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void Watching::Changed(const ObjectChange& change) {
  const std::lock_guard lock(mutex_);
  if (!change.now) ++gone_;
  changed_.notify_all();
}

void PutMap(const std::string& name, const std::string& value) {
  const auto wrote = Server().api().Write(
      {}, {KubeVerb::kApply,
           kConfigMaps,
           {"recovery", name},
           "",
           KubeObject{{"apiVersion", "v1"},
                      {"kind", "ConfigMap"},
                      {"metadata", {{"name", name}, {"namespace", "recovery"}}},
                      {"data", {{"key", value}}}}});
  ASSERT_TRUE(wrote) << wrote.error().message;
}

void RemoveMap(const std::string& name) {
  ASSERT_TRUE(
      Server().api().Write({}, {KubeVerb::kDelete, kConfigMaps, {"recovery", name}, "", {}}));
}

}  // namespace etcdrestore::testing
