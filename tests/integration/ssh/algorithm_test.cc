#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(SshAlgorithms, SpeaksWithHardenedServers) {
  struct Case {
    std::string name;
    std::vector<std::string> config;
  };
  const std::vector<Case> cases = {
      {"etm MACs only",
       {"MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com", "Ciphers aes256-ctr"}},
      {"chacha only", {"Ciphers chacha20-poly1305@openssh.com"}},
      {"gcm only", {"Ciphers aes256-gcm@openssh.com"}},
      {"curve25519 only", {"KexAlgorithms curve25519-sha256"}},
      {"dh groups only", {"KexAlgorithms diffie-hellman-group16-sha512"}},
      {"sha2-512 RSA logins", {"PubkeyAcceptedAlgorithms rsa-sha2-512,ssh-ed25519"}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestSshd sshd({.config = one.config});
    NodeEndpoint node = sshd.Node();
    node.private_key = Secret(sshd.MakeKey({.type = "rsa"}));
    auto connected = AConnector(sshd.KnownHosts()).Connect(ACall(), node);
    EXPECT_EQ(ReasonOf(connected), "no error") << sshd.Log();
  }
}

TEST(SshAlgorithms, SpeaksWithAServerThatHasOnlyAnRsaHostKey) {
  TestSshd sshd({.host_keys = {"rsa"}});
  EXPECT_EQ(Connected(sshd)->host_key_fingerprint(), sshd.HostKeyFingerprint("rsa"));
}

TEST(SshAlgorithms, SaysWhenNothingIsInCommon) {
  for (const std::string line :
       {"KexAlgorithms sntrup761x25519-sha512@openssh.com", "MACs umac-64@openssh.com"}) {
    SCOPED_TRACE(line);
    TestSshd sshd({.config = {line, "Ciphers aes256-ctr"}});
    auto connected = AConnector(sshd.KnownHosts()).Connect(ACall(), sshd.Node());
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(ReasonOf(connected), AllOf(StartsWith("AlgorithmMismatch: node n1"),
                                           HasSubstr("SSH-2.0-OpenSSH"), HasSubstr("ssh -vv")));
  }
}

}  // namespace
}  // namespace etcdrestore::testing
