#include "operator/runtime/reflector.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "operator/adapters/kube/kube_client.h"
#include "tests/integration/kube/server.h"
#include "tests/support/cutting_proxy.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

/// A reflector of ConfigMaps in a thread, through a port that may break connections.
class Watching {
 public:
  explicit Watching(int port) {
    KubeAccess access = Server().Access();
    access.server = "https://127.0.0.1:" + std::to_string(port);
    KubeClientOptions options;
    options.retry = Retry::Real();
    api_ = MakeKubeClient(std::move(access), std::move(options), clock_);
    reflector_ = std::make_unique<Reflector>(
        Reflector::Deps{*api_, clock_,
                        [](const Call& call, Duration pause) {
                          std::mutex mutex;
                          std::condition_variable_any wake;
                          std::unique_lock lock(mutex);
                          wake.wait_for(lock, call.stop, pause, [] { return false; });
                        },
                        [] { return 0.0; }, cache_, [this](const ObjectChange&) { Woken(); },
                        [this](const std::string& what, const std::string& why) {
                          const std::lock_guard lock(mutex_);
                          restarts_.push_back(what + " " + why);
                        }},
        kConfigMaps, "recovery");
    thread_ = std::jthread([this](const std::stop_token& stop) {
      Call call;
      call.stop = stop;
      reflector_->Run(call);
    });
  }

  /// True when the cache comes to hold this value under that name ("": to hold none).
  bool Sees(const std::string& name, const std::string& value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] {
      const CachedObject object = cache_.Find({"recovery", name});
      if (value.empty()) return object == nullptr && reflector_->synced();
      return object != nullptr && (*object)["data"]["key"] == value;
    });
  }
  std::vector<std::string> restarts() {
    const std::lock_guard lock(mutex_);
    return restarts_;
  }

 private:
  void Woken() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  RealClock clock_;
  std::unique_ptr<KubeApi> api_;
  ObjectCache cache_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> restarts_;
  std::unique_ptr<Reflector> reflector_;
  std::jthread thread_;
};

void Put(const std::string& name, const std::string& value) {
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

void Remove(const std::string& name) {
  ASSERT_TRUE(
      Server().api().Write({}, {KubeVerb::kDelete, kConfigMaps, {"recovery", name}, "", {}}));
}

TEST(ReflectorOnRealServer, FollowsEveryChange) {
  Put("follow", "1");
  Watching watching(Server().port());
  EXPECT_TRUE(watching.Sees("follow", "1"));
  Put("follow", "2");
  EXPECT_TRUE(watching.Sees("follow", "2"));
  Remove("follow");
  EXPECT_TRUE(watching.Sees("follow", ""));
  EXPECT_TRUE(watching.restarts().empty());
}

TEST(ReflectorOnRealServer, LosesNothingWhenConnectionsAreCut) {
  Put("cut", "1");
  // TLS takes some 3000 bytes: in the handshake, in the list, in the watch, at once.
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < 4; ++i) cuts.push_back(2000 * i + 1);
  const CuttingProxy proxy(Server().port(), cuts);
  Watching watching(proxy.port());
  EXPECT_TRUE(watching.Sees("cut", "1"));
  for (const char* value : {"2", "3", "4"}) {
    Put("cut", value);
    EXPECT_TRUE(watching.Sees("cut", value));
  }
  Remove("cut");
  EXPECT_TRUE(watching.Sees("cut", ""));
  EXPECT_GT(proxy.connections(), 4);
}

TEST(ReflectorOnRealServer, ComesBackAfterTheServerWasAwayAndForgotItsHistory) {
  Put("restart", "1");
  Put("restart-gone", "1");
  Watching watching(Server().port());
  EXPECT_TRUE(watching.Sees("restart", "1"));
  ASSERT_TRUE(Server().Restart());
  Put("restart", "2");
  Remove("restart-gone");
  EXPECT_TRUE(watching.Sees("restart", "2"));
  EXPECT_TRUE(watching.Sees("restart-gone", ""));
  EXPECT_FALSE(watching.restarts().empty());
}

TEST(ReflectorOnRealServer, AVersionOfThePastIsExpired) {
  // Nothing is that old in a server that has just begun.
  const Status ended =
      Server().api().Watch({}, kConfigMaps, "recovery", {"1", 5s}, [](KubeEvent) {});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().reason, "Expired");
}

}  // namespace
}  // namespace etcdrestore::testing
