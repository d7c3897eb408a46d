// The adapter of rke, with a script in rke's place.
#include "operator/adapters/process/rke_cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/files.h"

namespace etcdrestore::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

class RkeCliTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "rke-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ClusterRebuilder> Rke(const std::string& script,
                                        std::function<SteadyTime()> until = {}) {
    const std::string path = folder_ + "/rke";
    EXPECT_TRUE(WriteFileAtomically(path, "#!/bin/sh\n" + script));
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return MakeRkeCli(path, folder_ + "/logs", std::move(until));
  }
  Result<RkeResult> Up(
      ClusterRebuilder& rke, const std::function<Status()>& alive = [] { return Status(); }) {
    return rke.Up(
        {}, folder_ + "/cluster.yml", [this](const std::string& line) { lines_.push_back(line); },
        alive);
  }

  std::string folder_;
  std::vector<std::string> lines_;
};

constexpr const char* kFinished =
    R"(echo 'time="t" level=info msg="Finished building Kubernetes cluster successfully"')";

TEST_F(RkeCliTest, IsDoneWhenItSaysSoAndEndsWithCodeZero) {
  const auto rke = Rke(std::string("echo 'rke version v1.8.0'; ") + kFinished);
  EXPECT_EQ(rke->Version({}).value_or(""), "v1.8.0");
  const auto up = Up(*rke);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_TRUE(up->finished);
  EXPECT_THAT(lines_, Contains("rke: Finished building Kubernetes cluster successfully"));
  EXPECT_THAT(ReadFile(up->log_path).value_or(""), HasSubstr("rke version v1.8.0"));
}

TEST_F(RkeCliTest, ACodeOfZeroWithoutTheFinishLineIsNoEnd) {
  const auto up = Up(*Rke("echo nothing to do"));
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().reason, "RkeFailed");
  EXPECT_THAT(up.error().message, HasSubstr("nothing to do"));
}

TEST_F(RkeCliTest, AHostThatRkeDropsEndsIt) {
  const auto up = Up(*Rke("echo 'msg=\"Removing host [10.0.0.3] from node lists\"'; sleep 3600"));
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().reason, "RkeDroppedHost");
}

TEST_F(RkeCliTest, DiesWhenTheLeaseMayPassOn) {
  std::atomic<int> asked = 0;
  // The Lease is renewed a few times, and then no more.
  const auto rke = Rke("exec sleep 3600", [&asked] {
    return std::chrono::steady_clock::now() + (++asked < 4 ? 1h : -1s);
  });
  const auto up = Up(*rke);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().reason, "ProcessFenced");
  EXPECT_GE(asked, 4);
}

TEST_F(RkeCliTest, ALostLockOnANodeEndsItWithThatError) {
  const auto up = Up(*Rke("exec sleep 3600"),
                     [] { return Status(Terminal("LockedByOther", "held by another")); });
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().reason, "LockedByOther");
}

TEST_F(RkeCliTest, NamesWhatIsNotThere) {
  const auto rke = MakeRkeCli(folder_ + "/nothing", folder_, {});
  EXPECT_EQ(rke->Version({}).error().reason, "RkeMissing");
  EXPECT_EQ(Up(*rke).error().reason, "RkeMissing");
}

}  // namespace
}  // namespace etcdrestore::testing
