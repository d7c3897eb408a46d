#include <unistd.h>

#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Case {
  std::string type;
  std::string bits;
  std::string format;
};

std::vector<Case> AllKinds() {
  return {{"ed25519", "", "RFC4716"},  {"ecdsa", "256", "RFC4716"}, {"ecdsa", "384", "RFC4716"},
          {"ecdsa", "521", "RFC4716"}, {"rsa", "2048", "RFC4716"},  {"ecdsa", "256", "PEM"},
          {"ecdsa", "521", "PEM"},     {"rsa", "2048", "PEM"},      {"ecdsa", "384", "PKCS8"},
          {"rsa", "3072", "PKCS8"}};
}

TEST(SshLogin, TakesEveryKindOfKeyPlainAndEncrypted) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  for (const Case& kind : AllKinds()) {
    SCOPED_TRACE(kind.type + kind.bits + " " + kind.format);
    node.private_key =
        Secret(sshd.MakeKey({.type = kind.type, .bits = kind.bits, .format = kind.format}));
    node.passphrase = Secret();
    EXPECT_EQ(ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), node)), "no error");
    RunProgram({"ssh-keygen", "-q", "-p", "-P", "", "-N", "correct horse", "-m", kind.format, "-f",
                sshd.LastKeyFile()});
    node.private_key = Secret(ReadText(sshd.LastKeyFile()));
    node.passphrase = Secret("correct horse");
    EXPECT_EQ(ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), node)), "no error");
  }
}

TEST(SshLogin, AWrongPassphraseIsToldApartFromAWrongKey) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  for (const Case& kind : AllKinds()) {
    node.private_key = Secret(sshd.MakeKey(
        {.type = kind.type, .bits = kind.bits, .format = kind.format, .passphrase = "right"}));
    for (const std::string given : {"", "wrong"}) {
      SCOPED_TRACE(kind.type + kind.bits + " " + kind.format + " '" + given + "'");
      node.passphrase = Secret(given);
      auto connected = AConnector(sshd.KnownHosts()).Connect(ACall(), node);
      ASSERT_FALSE(connected);
      EXPECT_EQ(connected.error().kind, ErrorKind::kTerminal);
      EXPECT_THAT(ReasonOf(connected),
                  AllOf(StartsWith("KeyUnreadable: node n1"),
                        HasSubstr(given.empty() ? "no passphrase was given"
                                                : "passphrase does not open the private key")));
    }
  }
}

TEST(SshLogin, ARefusedKeyIsNamedWithUserTypeAndFingerprint) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  for (const Case& kind : AllKinds()) {
    SCOPED_TRACE(kind.type + kind.bits + " " + kind.format);
    node.private_key = Secret(sshd.MakeKey(
        {.type = kind.type, .bits = kind.bits, .format = kind.format, .authorised = false}));
    const std::string listed = RunProgram({"ssh-keygen", "-lf", sshd.LastKeyFile() + ".pub"});
    const std::string fingerprint = listed.substr(listed.find("SHA256:"), 50);
    auto connected = AConnector(sshd.KnownHosts()).Connect(ACall(), node);
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(ReasonOf(connected),
                AllOf(StartsWith("AuthenticationFailed: node n1"),
                      HasSubstr("refused user " + node.user), HasSubstr(fingerprint),
                      HasSubstr("it accepts: publickey"), HasSubstr("authorized_keys")));
  }
}

TEST(SshLogin, AUserThatDoesNotExistIsRefused) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  node.user = "nobody-of-this-name";
  EXPECT_THAT(ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), node)),
              StartsWith("AuthenticationFailed: node n1"));
}

TEST(SshLogin, SaysWhenTheServerTakesNoKeysAtAll) {
  TestSshd sshd({.config = {"PubkeyAuthentication no", "PasswordAuthentication yes"}});
  EXPECT_THAT(ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), sshd.Node())),
              AllOf(StartsWith("AuthenticationFailed: "), HasSubstr("switched off"),
                    HasSubstr("accepts: password")));
}

TEST(SshLogin, WithoutAKeyAndWithoutLeaveForTheAgentNothingIsTried) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  node.private_key = Secret();
  EXPECT_THAT(ReasonOf(AConnector(sshd.KnownHosts()).Connect(ACall(), node)),
              AllOf(StartsWith("KeyUnreadable: "), HasSubstr("no private key is given")));
}

/// An ssh-agent of the test's own, ended with it.
class Agent {
 public:
  explicit Agent(const TestSshd& sshd) : socket_((sshd.dir() / "agent").string()) {
    const std::string said = RunProgram({"ssh-agent", "-a", socket_});
    const std::size_t at = said.find("SSH_AGENT_PID=");
    pid_ = std::stoi(said.substr(at + 14));
  }
  ~Agent() { kill(pid_, SIGTERM); }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  void Add(const std::string& file) const {
    RunProgram({"env", "SSH_AUTH_SOCK=" + socket_, "ssh-add", "-q", file});
  }
  void Freeze() const { kill(pid_, SIGSTOP); }
  void Thaw() const { kill(pid_, SIGCONT); }
  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  std::string socket_;
  int pid_ = 0;
};

SshConnector WithAgent(const TestSshd& sshd, const Agent& agent) {
  return SshConnector({.known_hosts = sshd.KnownHosts(), .agent_socket = agent.socket()});
}

TEST(SshLogin, TheAgentsKeysAreTriedOneAfterTheOther) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  node.private_key = Secret();
  node.use_agent = true;
  const Agent agent(sshd);
  EXPECT_THAT(ReasonOf(WithAgent(sshd, agent).Connect(ACall(), node)),
              AllOf(StartsWith("AuthenticationFailed: "), HasSubstr("it holds no keys")));

  sshd.MakeKey({.authorised = false});
  agent.Add(sshd.LastKeyFile());
  EXPECT_THAT(ReasonOf(WithAgent(sshd, agent).Connect(ACall(), node)),
              AllOf(StartsWith("AuthenticationFailed: "), HasSubstr("agent's keys SHA256:")));

  sshd.MakeKey({.type = "rsa"});
  agent.Add(sshd.LastKeyFile());
  EXPECT_EQ(ReasonOf(WithAgent(sshd, agent).Connect(ACall(), node)), "no error");
}

TEST(SshLogin, AnAgentThatDoesNotAnswerIsGivenUp) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  node.private_key = Secret();
  node.use_agent = true;
  const Agent agent(sshd);
  agent.Freeze();
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(ReasonOf(WithAgent(sshd, agent).Connect(call, node)),
              StartsWith("DeadlineExceeded: "));
  EXPECT_LT(SecondsSince(start), 5);
  agent.Thaw();
}

TEST(SshLogin, AMissingAgentIsSaid) {
  TestSshd sshd;
  NodeEndpoint node = sshd.Node();
  node.private_key = Secret();
  node.use_agent = true;
  SshConnector connector({.known_hosts = sshd.KnownHosts(), .agent_socket = "/nonexistent"});
  EXPECT_THAT(ReasonOf(connector.Connect(ACall(), node)),
              AllOf(StartsWith("AuthenticationFailed: "), HasSubstr("ssh-add")));
}

}  // namespace
}  // namespace etcdrestore::testing
