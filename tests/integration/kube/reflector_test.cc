#include <gtest/gtest.h>

#include "tests/integration/kube/server.h"
#include "tests/integration/kube/watching.h"
#include "tests/support/cutting_proxy.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;

TEST(ReflectorOnRealServer, FollowsEveryChange) {
  PutMap("follow", "1");
  Watching watching(Server().Access());
  EXPECT_TRUE(watching.Sees("follow", "1"));
  PutMap("follow", "2");
  EXPECT_TRUE(watching.Sees("follow", "2"));
  RemoveMap("follow");
  EXPECT_TRUE(watching.Sees("follow", ""));
  EXPECT_TRUE(watching.restarts().empty());
}

TEST(ReflectorOnRealServer, LosesNothingWhenConnectionsAreCut) {
  PutMap("cut", "1");
  // TLS takes some 3000 bytes: in the handshake, in the list, in the watch, at once.
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < 4; ++i) cuts.push_back(2000 * i + 1);
  const CuttingProxy proxy(Server().port(), cuts);
  KubeAccess access = Server().Access();
  access.server = "https://127.0.0.1:" + std::to_string(proxy.port());
  Watching watching(access);
  EXPECT_TRUE(watching.Sees("cut", "1"));
  for (const char* value : {"2", "3", "4"}) {
    PutMap("cut", value);
    EXPECT_TRUE(watching.Sees("cut", value));
  }
  RemoveMap("cut");
  EXPECT_TRUE(watching.Sees("cut", ""));
  EXPECT_GT(proxy.connections(), 4);
}

TEST(ReflectorOnRealServer, ComesBackAfterTheServerWasAwayAndForgotItsHistory) {
  PutMap("restart", "1");
  PutMap("restart-gone", "1");
  Watching watching(Server().Access());
  EXPECT_TRUE(watching.Sees("restart", "1"));
  ASSERT_TRUE(Server().Restart());
  PutMap("restart", "2");
  RemoveMap("restart-gone");
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
