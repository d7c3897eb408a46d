#include "operator/adapters/ssh/root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "operator/adapters/ssh/command_run.h"

namespace etcdrestore::ssh {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

CommandResult Said(const std::string& text) {
  const Command probe = RootProbe("/var/run/docker.sock");
  CommandResult result;
  // The canary is the script's first argument.
  result.out = "etcdrestore " + probe.argv[4] + "\n" + text;
  result.exit_code = 0;
  return result;
}

NodeEndpoint Node() {
  NodeEndpoint node;
  node.name = "n1";
  node.user = "core";
  return node;
}

TEST(RootProbe, RunsAsTheLoginItselfAndPassesTheSocketAsAnArgument) {
  const Command probe = RootProbe("/tmp/it's; reboot");
  EXPECT_FALSE(probe.as_root);
  EXPECT_EQ(probe.argv[0], "/bin/sh");
  EXPECT_EQ(probe.argv.back(), "/tmp/it's; reboot");
  EXPECT_THAT(probe.argv[2], AllOf(Not(HasSubstr("reboot")), Not(HasSubstr("@"))));
}

TEST(RootProbe, ReadsEachWay) {
  auto uid0 = ReadRootProbe(Node(), Said("root uid0\n"));
  ASSERT_TRUE(uid0);
  EXPECT_EQ(uid0->method, RootMethod::kUid0);
  auto sudo = ReadRootProbe(Node(), Said("root sudo\n"));
  ASSERT_TRUE(sudo);
  EXPECT_EQ(sudo->method, RootMethod::kSudo);
  auto docker = ReadRootProbe(
      Node(), Said("tried sudo: not installed\nroot docker\ndocker /usr/bin/docker\nimage i1\n"));
  ASSERT_TRUE(docker);
  EXPECT_EQ(docker->method, RootMethod::kDockerNsenter);
  EXPECT_EQ(docker->docker, "/usr/bin/docker");
  EXPECT_EQ(docker->image, "i1");
}

TEST(RootProbe, NothingThatIsHalfSaidIsRoot) {
  for (const std::string text :
       {"", "root", "root \n", "root maybe\n", "root docker\n",
        "root docker\ndocker /usr/bin/docker\n", "rootuid0\n", "tried root uid0\n"}) {
    SCOPED_TRACE(text);
    auto access = ReadRootProbe(Node(), Said(text));
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().reason, "NoWayToRoot");
  }
}

TEST(RootProbe, AShellThatChangesWordsOrSpeaksItselfIsUnusable) {
  for (const std::string text :
       {"", "fish: Unknown command", "etcdrestore a\\b!c$HOME`'\"\nroot uid0\n"}) {
    CommandResult result;
    result.out = text;
    auto access = ReadRootProbe(Node(), result);
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().reason, "UnusableShell");
  }
  CommandResult noisy = Said("root uid0\n");
  noisy.out = "Welcome\x1b[1m!\n" + noisy.out;
  auto access = ReadRootProbe(Node(), noisy);
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().reason, "UnusableShell");
  EXPECT_THAT(access.error().message, AllOf(HasSubstr("Welcome"), Not(HasSubstr("\x1b"))));
}

TEST(AsRoot, PutsTheWayInFrontAndLeavesTheArgumentsAlone) {
  const std::vector<std::string> argv = {"rm", "-rf", "a b"};
  EXPECT_EQ(AsRoot({}, argv), argv);
  EXPECT_THAT(AsRoot({.method = RootMethod::kSudo}, argv),
              ElementsAre("sudo", "-n", "--", "rm", "-rf", "a b"));
  RootAccess access;
  access.method = RootMethod::kDockerNsenter;
  access.docker = "/usr/bin/docker";
  access.image = "sha256:c3";
  access.socket = "/run/d.sock";
  const std::vector<std::string> line = AsRoot(access, argv);
  EXPECT_THAT(std::vector(line.begin(), line.begin() + 6),
              ElementsAre("/usr/bin/docker", "-H", "unix:///run/d.sock", "run", "--rm", "-i"));
  const auto image = std::find(line.begin(), line.end(), "sha256:c3");
  EXPECT_THAT(std::vector(image + 1, line.end()),
              ElementsAre("-t", "1", "-m", "-u", "-i", "-n", "--", "rm", "-rf", "a b"));
  for (const std::string flag :
       {"--privileged", "--pid=host", "--userns=host", "--network=host",
        "--label=etcdrestore.io/root", "--user=0:0", "--log-driver=none", "--entrypoint=nsenter"}) {
    EXPECT_LT(std::find(line.begin(), line.end(), flag), image) << flag;
  }
}

TEST(ExitCodeOfSignal, IsAsAShellSays) {
  EXPECT_EQ(ExitCodeOfSignal("KILL"), 137);
  EXPECT_EQ(ExitCodeOfSignal("TERM"), 143);
  EXPECT_EQ(ExitCodeOfSignal("ALRM"), 142);
  EXPECT_EQ(ExitCodeOfSignal("WHATEVER@example.com"), 255);
}

}  // namespace
}  // namespace etcdrestore::ssh
