#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A server whose commands find our `id`, `sudo` and `docker` first: an ordinary user on paper.
class PlainUser {
 public:
  PlainUser()
      : bin_(std::filesystem::temp_directory_path() /
             ("ssh-root-test-" + std::to_string(getpid()))),
        sshd_({.environment = {{"PATH", bin_.string() + ":/usr/bin:/bin"}}}) {
    std::filesystem::create_directory(bin_);
    Put("id", "echo ${FAKE_UID:-1000}");
    Put("sudo", "echo 'sudo: a password is required' >&2; exit 1");
    Put("docker", "echo 'permission denied while trying to connect' >&2; exit 1");
  }
  ~PlainUser() { std::filesystem::remove_all(bin_); }
  PlainUser(const PlainUser&) = delete;
  PlainUser& operator=(const PlainUser&) = delete;

  void Put(const std::string& name, const std::string& script) {
    WriteText(bin_ / name, "#!/bin/sh\n" + script + "\n", true);
  }
  [[nodiscard]] std::string Log() const { return (bin_ / "log").string(); }
  TestSshd& sshd() { return sshd_; }
  Result<std::unique_ptr<Node>> Connect(const std::string& socket = "/var/run/docker.sock") {
    NodeEndpoint node = sshd_.Node();
    node.docker_socket = socket;
    return AConnector(sshd_.KnownHosts()).Connect(ACall(), node);
  }

 private:
  std::filesystem::path bin_;
  TestSshd sshd_;
};

TEST(SshRoot, Uid0NeedsNothing) {
  PlainUser user;
  user.Put("id", "echo 0");
  auto node = user.Connect();
  ASSERT_TRUE(node) << ReasonOf(node);
  EXPECT_EQ((*node)->root_method(), RootMethod::kUid0);
}

TEST(SshRoot, SudoWithoutAPasswordIsUsedForRootsCommandsOnly) {
  PlainUser user;
  user.Put("sudo", R"([ "$1 $2" = "-n --" ] || exit 9; shift 2; FAKE_UID=0 exec "$@")");
  auto node = user.Connect();
  ASSERT_TRUE(node) << ReasonOf(node);
  EXPECT_EQ((*node)->root_method(), RootMethod::kSudo);
  Command command = Sh("echo uid $(id) arg=$1");
  command.argv.insert(command.argv.end(), {"sh", "a 'b' $c"});
  EXPECT_EQ((*node)->Run(ACall(), command)->out, "uid 0 arg=a 'b' $c\n");
  command.as_root = false;
  EXPECT_EQ((*node)->Run(ACall(), command)->out, "uid 1000 arg=a 'b' $c\n");
}

TEST(SshRoot, SudoThatDoesNotMakeRootIsNotBelieved) {
  PlainUser user;
  user.Put("sudo", R"(shift 2; exec "$@")");
  EXPECT_THAT(ReasonOf(user.Connect()), StartsWith("NoWayToRoot: "));
}

/// A docker that notes its arguments and runs what stands after `--`, for images that have nsenter.
constexpr const char* kDocker = R"(
echo "$@" >> "$(dirname "$0")/log"
case "$3" in
images) printf 'sha256:a1 busybox:1\nsha256:b2 rancher/hyperkube:v1\nsha256:c3 rancher/rke-tools:v0.1\n' ;;
run)
  case "$*" in *" sha256:b2 "*) ;; *) echo 'exec: "nsenter": not found' >&2; exit 127 ;; esac
  while [ "$1" != -- ]; do shift; done; shift
  FAKE_UID=0 exec "$@" ;;
esac)";

TEST(SshRoot, DockerAndAnImageWithNsenterAreFound) {
  PlainUser user;
  user.Put("docker", kDocker);
  auto node = user.Connect("/run/other.sock");
  ASSERT_TRUE(node) << ReasonOf(node);
  EXPECT_EQ((*node)->root_method(), RootMethod::kDockerNsenter);
  const std::string log = ReadText(user.Log());
  EXPECT_THAT(log, HasSubstr("-H unix:///run/other.sock run --rm -i --privileged --pid=host "
                             "--userns=host --network=host"));
  EXPECT_THAT(log, HasSubstr("sha256:b2 -t 1 -m -u -i -n -- /bin/sh"));
  EXPECT_LT(log.find("sha256:c3"), log.find("sha256:b2")) << "rke-tools is tried first";
  EXPECT_THAT(log, Not(HasSubstr("sha256:a1")));

  Command command = Sh("cat; echo uid $(id) arg=$1; exit 6");
  command.argv.insert(command.argv.end(), {"sh", "a 'b' $c"});
  command.input = BytesOf("in ");
  auto result = (*node)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "in uid 0 arg=a 'b' $c\n");
  EXPECT_EQ(result->exit_code, 6);
}

TEST(SshRoot, WithoutAWayEverythingTriedIsSaid) {
  PlainUser user;
  user.Put("docker", kDocker);
  user.Put("sudo",
           "printf 'sudo: a terminal is required\\nsudo: a password is required\\n' >&2; "
           "exit 1");
  WriteText(user.Log(), "");
  user.Put("docker",
           "[ \"$3\" = images ] || { echo 'no nsenter' >&2; exit 127; }\n"
           "echo sha256:a1 busybox:1");
  auto node = user.Connect();
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(ReasonOf(node),
              AllOf(StartsWith("NoWayToRoot: node n1"), HasSubstr("a password is required"),
                    HasSubstr("image busybox:1: no nsenter"), HasSubstr("docker group")));
}

TEST(SshRoot, ADockerThatRefusesIsSaid) {
  PlainUser user;
  EXPECT_THAT(ReasonOf(user.Connect()),
              AllOf(StartsWith("NoWayToRoot: "), HasSubstr("permission denied while trying")));
}

TEST(SshRoot, ANodeWithoutImagesIsSaid) {
  PlainUser user;
  user.Put("docker", "exit 0");
  EXPECT_THAT(ReasonOf(user.Connect()),
              AllOf(StartsWith("NoWayToRoot: "), HasSubstr("no image is on the node")));
}

TEST(SshRoot, AShellThatIsNoShellIsRefused) {
  TestSshd sshd({.config = {"ForceCommand echo This account is not available"}});
  auto node = AConnector(sshd.KnownHosts()).Connect(ACall(), sshd.Node());
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(ReasonOf(node), AllOf(StartsWith("UnusableShell: "), HasSubstr("not available")));
}

TEST(SshRoot, AShellThatPrintsTextOfItsOwnIsRefused) {
  TestSshd sshd({.config = {R"(ForceCommand echo Welcome; eval "$SSH_ORIGINAL_COMMAND")"}});
  EXPECT_THAT(
      ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), sshd.Node())),
      AllOf(StartsWith("UnusableShell: "), HasSubstr("Welcome"), HasSubstr("prints text before")));
}

TEST(SshRoot, AShellThatHangsIsGivenUp) {
  TestSshd sshd({.config = {"ForceCommand exec sleep 30"}});
  SshConnector connector(
      {.known_hosts = sshd.KnownHosts(), .timeouts = {.probe = std::chrono::milliseconds(500)}});
  EXPECT_THAT(ReasonOf(connector.Connect(ACall(), sshd.Node())),
              AllOf(StartsWith("Unreachable: "), HasSubstr("did not answer in time")));
}

}  // namespace
}  // namespace etcdrestore::testing
