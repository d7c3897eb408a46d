#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Name(const TestSshd& sshd) { return "[127.0.0.1]:" + std::to_string(sshd.port()); }

TEST(SshHostKey, AKnownOneIsTakenAndShown) {
  TestSshd sshd;
  EXPECT_EQ(Connected(sshd)->host_key_fingerprint(), sshd.HostKeyFingerprint());
}

TEST(SshHostKey, AHashedEntryIsTaken) {
  TestSshd sshd;
  const auto file = sshd.dir() / "known";
  WriteText(file, sshd.KnownHosts());
  RunProgram({"ssh-keygen", "-q", "-H", "-f", file.string()});
  ASSERT_THAT(ReadText(file), StartsWith("|1|"));
  EXPECT_EQ(ReasonOf(AConnector(ReadText(file)).Connect(ACall(), sshd.Node())), "no error");
}

TEST(SshHostKey, AChangedOneIsRefusedBeforeAnyLogin) {
  TestSshd sshd;
  const std::string known = sshd.KnownHosts();
  sshd.ReplaceHostKey();
  auto node = AConnector(known).Connect(ACall(), sshd.Node());
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(ReasonOf(node),
              AllOf(StartsWith("HostKeyMismatch: node n1"), HasSubstr("hold another key"),
                    HasSubstr("ssh-ed25519 host key " + sshd.HostKeyFingerprint()),
                    HasSubstr("ssh-keyscan -p " + std::to_string(sshd.port()) + " 127.0.0.1")));
  EXPECT_THAT(sshd.Log(), Not(HasSubstr("publickey")));
}

TEST(SshHostKey, AnUnknownHostIsRefusedWithTheLineToAdd) {
  TestSshd sshd;
  auto node = AConnector("other.example ssh-ed25519 AAAA\n").Connect(ACall(), sshd.Node());
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().kind, ErrorKind::kTerminal);
  EXPECT_THAT(ReasonOf(node),
              AllOf(StartsWith("HostKeyUnknown: "), HasSubstr("not in the known hosts"),
                    HasSubstr("first is line 1"), HasSubstr(sshd.HostKeyFingerprint()),
                    HasSubstr(Name(sshd) + " " + sshd.HostKey())));
}

TEST(SshHostKey, AHostKnownByAnotherTypeIsAMismatchUnderBothPolicies) {
  for (const ssh::HostKeyPolicy policy :
       {ssh::HostKeyPolicy::kStrict, ssh::HostKeyPolicy::kAcceptNew}) {
    TestSshd sshd({.host_keys = {"ecdsa"}});
    TestSshd former;
    const std::string known = Name(sshd) + " " + former.HostKey() + "\n";
    SshConnector connector({.known_hosts = known, .policy = policy});
    EXPECT_THAT(ReasonOf(connector.Connect(ACall(), sshd.Node())),
                AllOf(StartsWith("HostKeyMismatch: "), HasSubstr("another type: ssh-ed25519"),
                      HasSubstr(sshd.HostKeyFingerprint("ecdsa"))));
  }
}

TEST(SshHostKey, OfSeveralTypesTheKnownOneIsAskedFor) {
  TestSshd sshd({.host_keys = {"ed25519", "ecdsa", "rsa"}});
  for (const std::string type : {"rsa", "ecdsa", "ed25519"}) {
    SCOPED_TRACE(type);
    auto node = AConnector(Name(sshd) + " " + sshd.HostKey(type)).Connect(ACall(), sshd.Node());
    ASSERT_TRUE(node) << ReasonOf(node);
    EXPECT_EQ((*node)->host_key_fingerprint(), sshd.HostKeyFingerprint(type));
  }
}

TEST(SshHostKey, ARevokedOneIsRefusedEvenWhenAlsoKnown) {
  TestSshd sshd;
  const std::string known = sshd.KnownHosts() + "@revoked * " + sshd.HostKey() + "\n";
  for (const ssh::HostKeyPolicy policy :
       {ssh::HostKeyPolicy::kStrict, ssh::HostKeyPolicy::kAcceptNew}) {
    SshConnector connector({.known_hosts = known, .policy = policy});
    EXPECT_THAT(ReasonOf(connector.Connect(ACall(), sshd.Node())),
                AllOf(StartsWith("HostKeyMismatch: "), HasSubstr("@revoked")));
  }
}

TEST(SshHostKey, ACertificateAuthorityIsRecognisedAndRefused) {
  TestSshd sshd;
  const std::string known = "@cert-authority * " + sshd.HostKey() + "\n";
  EXPECT_THAT(ReasonOf(AConnector(known).Connect(ACall(), sshd.Node())),
              AllOf(StartsWith("HostKeyUnknown: "), HasSubstr("cannot be validated here")));
}

TEST(SshHostKey, AcceptNewTakesTheFirstRecordsItOnceAndNothingElseAfterwards) {
  TestSshd sshd;
  const NodeEndpoint endpoint = sshd.Node();
  std::vector<AcceptedHostKey> accepted;
  SshConnector connector(
      {.policy = ssh::HostKeyPolicy::kAcceptNew,
       .on_accept = [&](const AcceptedHostKey& key) { accepted.push_back(key); }});
  EXPECT_EQ(ReasonOf(connector.Connect(ACall(), endpoint)), "no error");
  EXPECT_EQ(ReasonOf(connector.Connect(ACall(), endpoint)), "no error");
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted[0].node, "n1");
  EXPECT_EQ(accepted[0].type, "ssh-ed25519");
  EXPECT_EQ(accepted[0].fingerprint, sshd.HostKeyFingerprint());
  EXPECT_EQ(accepted[0].known_hosts_line + "\n", sshd.KnownHosts());

  sshd.ReplaceHostKey();
  EXPECT_THAT(ReasonOf(connector.Connect(ACall(), endpoint)),
              AllOf(StartsWith("HostKeyMismatch: "), HasSubstr("taken as new")));
  EXPECT_EQ(accepted.size(), 1U);
}

TEST(SshHostKey, AReconnectionChecksTheHostKeyAgain) {
  TestSshd sshd;
  auto node = Connected(sshd);
  sshd.ReplaceHostKey();
  sshd.Cut();
  EXPECT_THAT(ReasonOf(node->Run(ACall(), Sh("true"))),
              StartsWith("HostKeyMismatch: connect again: "));
}

}  // namespace
}  // namespace etcdrestore::testing
