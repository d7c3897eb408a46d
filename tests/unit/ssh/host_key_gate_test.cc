#include "operator/adapters/ssh/host_key_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "operator/adapters/ssh/wire.h"

namespace etcdrestore::ssh {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

HostKey Key(const std::string& type, const std::string& body) {
  HostKey key{type, ""};
  PutString(key.blob, type);
  PutString(key.blob, body);
  return key;
}
std::string LineFor(const std::string& hosts, const HostKey& key) {
  return hosts + " " + key.type + " " + EncodeBase64(key.blob) + "\n";
}
NodeEndpoint Node(int port = 22) {
  NodeEndpoint node;
  node.name = "n1";
  node.address = "Node1.Example";
  node.port = port;
  return node;
}

TEST(HostKeyGate, SaysOnWhichFileOfTheNodeToLook) {
  HostKeyGate gate("", ssh::HostKeyPolicy::kStrict, {});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"ssh-ed25519", "ssh_host_ed25519_key.pub"},
      {"ssh-rsa", "ssh_host_rsa_key.pub"},
      {"ecdsa-sha2-nistp384", "ssh_host_ecdsa_key.pub"}};
  for (const auto& [type, file] : cases) {
    const Status judged = gate.Judge(Node(), Key(type, "k"));
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().reason, "HostKeyUnknown");
    EXPECT_EQ(judged.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(judged.error().message,
                AllOf(HasSubstr(file), HasSubstr("`ssh-keyscan Node1.Example | ssh-keygen -lf -`"),
                      HasSubstr(Fingerprint(Key(type, "k").blob)),
                      HasSubstr("node1.example " + type + " ")));
  }
}

TEST(HostKeyGate, AcceptNewNeverOverrulesWhatIsKnown) {
  const HostKey ed = Key("ssh-ed25519", "right");
  const HostKey other = Key("ssh-ed25519", "wrong");
  const HostKey rsa = Key("ssh-rsa", "wrong");
  bool called = false;
  const auto on_accept = [&called](const AcceptedHostKey&) { called = true; };
  HostKeyGate known(LineFor("node1.example", ed), ssh::HostKeyPolicy::kAcceptNew, on_accept);
  EXPECT_TRUE(known.Judge(Node(), ed));
  EXPECT_EQ(known.Judge(Node(), other).error().reason, "HostKeyMismatch");
  EXPECT_EQ(known.Judge(Node(), rsa).error().reason, "HostKeyMismatch");
  HostKeyGate revoked("@revoked * " + LineFor("", ed).substr(1), ssh::HostKeyPolicy::kAcceptNew,
                      on_accept);
  EXPECT_EQ(revoked.Judge(Node(), ed).error().reason, "HostKeyMismatch");
  HostKeyGate authority("@cert-authority *.example " + LineFor("", rsa).substr(1),
                        ssh::HostKeyPolicy::kAcceptNew, on_accept);
  EXPECT_EQ(authority.Judge(Node(), ed).error().reason, "HostKeyUnknown");
  EXPECT_FALSE(called);
}

TEST(HostKeyGate, WhatWasAcceptedIsAskedForAndHeldTo) {
  const HostKey first = Key("ssh-ed25519", "first");
  std::vector<std::string> recorded;
  HostKeyGate gate("", ssh::HostKeyPolicy::kAcceptNew,
                   [&](const AcceptedHostKey& key) { recorded.push_back(key.known_hosts_line); });
  EXPECT_TRUE(gate.KeyTypesFor(Node()).empty());
  EXPECT_TRUE(gate.Judge(Node(2222), first));
  EXPECT_THAT(gate.KeyTypesFor(Node(2222)), ::testing::ElementsAre("ssh-ed25519"));
  EXPECT_TRUE(gate.KeyTypesFor(Node()).empty()) << "another port is another host";
  EXPECT_EQ(gate.Judge(Node(2222), Key("ssh-ed25519", "second")).error().reason, "HostKeyMismatch");
  EXPECT_EQ(gate.Judge(Node(2222), Key("ssh-rsa", "second")).error().reason, "HostKeyMismatch");
  EXPECT_TRUE(gate.Judge(Node(2222), first));
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0] + "\n", LineFor("[node1.example]:2222", first));
}

TEST(HostKeyGate, OfTwoKeysShownAtOnceOneIsAccepted) {
  std::atomic<int> records = 0;
  HostKeyGate gate("", ssh::HostKeyPolicy::kAcceptNew, [&](const AcceptedHostKey&) { ++records; });
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        if (gate.Judge(Node(), Key("ssh-ed25519", std::to_string(i)))) ++taken;
      });
    }
  }
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(records, 1);
}

}  // namespace
}  // namespace etcdrestore::ssh
