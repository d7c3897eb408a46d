#include "operator/adapters/ssh/known_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HostKey Key(const std::string& type, const std::string& body) {
  HostKey key{type, ""};
  PutString(key.blob, type);
  PutString(key.blob, body);
  return key;
}

const HostKey kEd = Key("ssh-ed25519", "ed");
const HostKey kOtherEd = Key("ssh-ed25519", "other ed");
const HostKey kRsa = Key("ssh-rsa", "rsa");
const HostKey kEcdsa = Key("ecdsa-sha2-nistp256", "ecdsa");

/// " type base64", the tail of a line.
std::string Tail(const HostKey& key) { return " " + key.type + " " + EncodeBase64(key.blob); }

HostVerdict Check(const std::string& text, const std::string& host, int port, const HostKey& key) {
  return KnownHosts::Parse(text).Check(host, port, key);
}

TEST(KnownHosts, NamesAreMatchedAsOpenSshDoes) {
  struct Case {
    std::string hosts;
    std::string host;
    int port;
    bool named;
  };
  const std::vector<Case> cases = {
      {"node1", "node1", 22, true},
      {"node1", "node11", 22, false},
      {"node1", "NODE1", 22, true},
      {"NODE1", "node1", 22, true},
      {"node1,10.0.0.1", "10.0.0.1", 22, true},
      {"node1,", "node1", 22, true},
      {",node1", "node1", 22, true},
      {"*", "anything", 22, true},
      {"*", "anything", 2222, true},
      {"*.example.com", "a.b.example.com", 22, true},
      {"*.example.com", "example.com", 22, false},
      {"10.0.0.?", "10.0.0.7", 22, true},
      {"10.0.0.?", "10.0.0.70", 22, false},
      {"n*1*e", "node1.example", 22, true},
      {"n*1*x", "node1.example", 22, false},
      {"*.example.com,!bad.example.com", "good.example.com", 22, true},
      {"*.example.com,!bad.example.com", "bad.example.com", 22, false},
      {"!bad.example.com,*.example.com", "bad.example.com", 22, false},
      {"!bad.example.com", "good.example.com", 22, false},
      {"!*,node1", "node1", 22, false},
      {"[node1]:2222", "node1", 2222, true},
      {"[node1]:2222", "node1", 22, false},
      {"[node1]:2222", "node1", 2223, false},
      {"[node1]:22", "node1", 22, false},
      {"[node*]:2222", "node1", 2222, true},
      {"fe80::1", "FE80::1", 22, true},
      {"[fe80::1]:2222", "fe80::1", 2222, true},
      {"node1", "node1", 2222, true},  // ssh(1) also looks under the plain name
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.hosts + " / " + one.host + ":" + std::to_string(one.port));
    EXPECT_EQ(Check(one.hosts + Tail(kEd), one.host, one.port, kEd),
              one.named ? HostVerdict::kMatch : HostVerdict::kUnknown);
  }
}

TEST(KnownHosts, ManyStarsAreNoTrap) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_EQ(Check(pattern + "b" + Tail(kEd), std::string(5000, 'a'), 22, kEd),
            HostVerdict::kUnknown);
}

TEST(KnownHosts, HashedNamesAreThoseOfSshKeygen) {
  // Made by `ssh-keygen -H` of OpenSSH 9.2 from "node1.example" and "[node1.example]:2222".
  const std::string key =
      " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n";
  const std::string plain = "|1|oNhLpWE3c7r/7PMLI5Wy6wayH10=|A14mm8EfTOq0zhpNUdcNbOypc/g=" + key;
  const std::string port = "|1|vucrPbQb+BEhk8wKBdgP1X3RuAI=|mtp0R5kO0vq0a1MQ77TafQ/RJ6E=" + key;
  const HostKey ed{"ssh-ed25519", *DecodeBase64(key.substr(13, 68))};
  EXPECT_EQ(Check(plain, "node1.example", 22, ed), HostVerdict::kMatch);
  EXPECT_EQ(Check(plain, "Node1.Example", 22, ed), HostVerdict::kMatch);
  EXPECT_EQ(Check(plain, "node2.example", 22, ed), HostVerdict::kUnknown);
  EXPECT_EQ(Check(plain, "node1.example", 22, kEd), HostVerdict::kMismatch);
  EXPECT_EQ(Check(port, "node1.example", 2222, ed), HostVerdict::kMatch);
  EXPECT_EQ(Check(port, "node1.example", 22, ed), HostVerdict::kUnknown);
}

TEST(KnownHosts, EveryVerdict) {
  struct Case {
    std::string name;
    std::string text;
    HostKey shown;
    HostVerdict verdict;
  };
  const std::string ed = "n" + Tail(kEd) + "\n";
  const std::string other = "n" + Tail(kOtherEd) + "\n";
  const std::string rsa = "n" + Tail(kRsa) + "\n";
  const std::string revoked = "@revoked *" + Tail(kEd) + "\n";
  const std::string authority = "@cert-authority *" + Tail(kRsa) + "\n";
  const std::vector<Case> cases = {
      {"empty", "", kEd, HostVerdict::kUnknown},
      {"match", ed, kEd, HostVerdict::kMatch},
      {"mismatch", other, kEd, HostVerdict::kMismatch},
      {"one of two keys matches", other + ed, kEd, HostVerdict::kMatch},
      {"one of two types matches", rsa + ed, kEd, HostVerdict::kMatch},
      {"right type, wrong key", rsa + other, kEd, HostVerdict::kMismatch},
      {"another type", rsa, kEd, HostVerdict::kKnownWithAnotherType},
      {"revoked alone", revoked, kEd, HostVerdict::kRevoked},
      {"revoked before", revoked + ed, kEd, HostVerdict::kRevoked},
      {"revoked after", ed + revoked, kEd, HostVerdict::kRevoked},
      {"another key revoked", "@revoked *" + Tail(kOtherEd) + "\n" + ed, kEd, HostVerdict::kMatch},
      {"revoked elsewhere", "@revoked m" + Tail(kEd) + "\n" + ed, kEd, HostVerdict::kMatch},
      {"another key revoked and none known", "@revoked *" + Tail(kOtherEd), kEd,
       HostVerdict::kUnknown},
      {"authority", authority, kEd, HostVerdict::kOnlyCertAuthority},
      {"an authority's key is no host key", authority, kRsa, HostVerdict::kOnlyCertAuthority},
      {"authority and key", authority + ed, kEd, HostVerdict::kMatch},
      {"authority and wrong key", authority + other, kEd, HostVerdict::kMismatch},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(Check(one.text, "n", 22, one.shown), one.verdict);
  }
}

TEST(KnownHosts, AnotherPortAgreesOrSaysNothing) {
  const std::string plain = "n" + Tail(kEd) + "\n";
  EXPECT_EQ(Check(plain, "n", 2222, kEd), HostVerdict::kMatch);
  EXPECT_EQ(Check(plain, "n", 2222, kOtherEd), HostVerdict::kUnknown);
  EXPECT_EQ(Check(plain, "n", 2222, kRsa), HostVerdict::kUnknown);
  const std::string own = plain + "[n]:2222" + Tail(kOtherEd) + "\n";
  EXPECT_EQ(Check(own, "n", 2222, kEd), HostVerdict::kMismatch) << "an own line decides alone";
  EXPECT_EQ(Check("@revoked n" + Tail(kEd), "n", 2222, kEd), HostVerdict::kRevoked);
}

TEST(KnownHosts, GivesTheTypesToAskFor) {
  const KnownHosts known = KnownHosts::Parse(
      "n" + Tail(kRsa) + "\n" + "n" + Tail(kEd) + "\n" + "n" + Tail(kOtherEd) + "\n" + "m" +
      Tail(kEcdsa) + "\n@revoked n" + Tail(kEcdsa) + "\n@cert-authority n" + Tail(kEcdsa) + "\n");
  EXPECT_THAT(known.KeyTypesFor("n", 22), ElementsAre("ssh-rsa", "ssh-ed25519"));
  EXPECT_THAT(known.KeyTypesFor("N", 2222), ElementsAre("ssh-rsa", "ssh-ed25519"));
  EXPECT_THAT(known.KeyTypesFor("unknown", 22), IsEmpty());
}

TEST(KnownHosts, ReadsBlanksCommentsAndForeignLineEnds) {
  const std::string text = "\n  # comment\n\t\n \tn \t ssh-ed25519\t" + EncodeBase64(kEd.blob) +
                           " a comment, too\r\n#n" + Tail(kRsa);
  const KnownHosts known = KnownHosts::Parse(text);
  EXPECT_EQ(known.Check("n", 22, kEd), HostVerdict::kMatch);
  EXPECT_THAT(known.unreadable_lines(), IsEmpty());
  EXPECT_THAT(known.KeyTypesFor("n", 22), ElementsAre("ssh-ed25519"));
}

TEST(KnownHosts, NumbersTheLinesItCannotRead) {
  const std::string text = "n" + Tail(kEd) + "\n" +                        // 1
                           "n\n" +                                         // 2
                           "n ssh-ed25519\n" +                             // 3
                           "n ssh-ed25519 not*base64\n" +                  // 4
                           "n ssh-rsa " + EncodeBase64(kEd.blob) + "\n" +  // 5: contradiction
                           "@unknown n" + Tail(kEd) + "\n" +               // 6
                           "|1|salt" + Tail(kEd) + "\n" +                  // 7
                           "|1|YWJj|YWJj" + Tail(kEd) + "\n" +             // 8: short digest
                           "@revoked\n" +                                  // 9
                           "n 1024 35 12345678901234567890\n";             // 10: SSH 1
  const KnownHosts known = KnownHosts::Parse(text);
  EXPECT_THAT(known.unreadable_lines(), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(known.Check("n", 22, kEd), HostVerdict::kMatch);
}

TEST(KnownHosts, AnUnreadableLineNeverMatches) {
  EXPECT_EQ(Check("|1|salt" + Tail(kEd), "|1|salt", 22, kEd), HostVerdict::kUnknown);
  EXPECT_EQ(Check("@revoke n" + Tail(kEd), "n", 22, kEd), HostVerdict::kUnknown);
}

}  // namespace
}  // namespace etcdrestore::ssh
