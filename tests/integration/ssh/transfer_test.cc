#include <random>

#include "operator/base/sha256.h"
#include "tests/integration/ssh/ssh_test.h"

namespace etcdrestore::testing {
namespace {

using ::testing::StartsWith;

constexpr std::size_t kBig = 64U << 20U;

std::string Noise(std::size_t size) {
  std::mt19937_64 random(20261122);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random();
    for (unsigned k = 0; k < 8; ++k) bytes[i + k] = static_cast<char>(word >> (8 * k));
  }
  return bytes;
}

TEST(SshTransfer, ABigUploadArrivesWhole) {
  TestSshd sshd;
  const std::string bytes = Noise(kBig);
  Command command;
  command.argv = {"sha256sum"};
  command.input = BytesOf(bytes);
  auto result = Connected(sshd)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_THAT(result->out, StartsWith(HexSha256(bytes)));
}

TEST(SshTransfer, ABigDownloadArrivesWhole) {
  TestSshd sshd;
  const std::string bytes = Noise(kBig);
  WriteText(sshd.dir() / "big", bytes);
  Command command;
  command.argv = {"cat", (sshd.dir() / "big").string()};
  Sha256 hash;
  std::size_t size = 0;
  command.output = [&](std::string_view part) -> Status {
    hash.Update(part);
    size += part.size();
    return {};
  };
  auto result = Connected(sshd)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(size, kBig);
  EXPECT_EQ(Hex(hash.Finish()), HexSha256(bytes));
  EXPECT_EQ(result->out, "");
}

TEST(SshTransfer, BothWaysAtOnceWithManyKeyExchangesUnderWay) {
  // The server asks for new keys each megabyte, in the middle of everything.
  TestSshd sshd({.config = {"RekeyLimit 1M", "LogLevel DEBUG"}});
  auto node = Connected(sshd);
  const std::string bytes = Noise(kBig / 8);
  std::vector<std::string> seen(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& one : seen) {
      threads.emplace_back([&] {
        Command command;
        command.argv = {"cat"};
        command.input = BytesOf(bytes);
        command.max_output = bytes.size();
        auto result = node->Run(ACall(), command);
        one = !result ? ReasonOf(result) : result->out == bytes ? "same" : "different";
      });
    }
  }
  EXPECT_THAT(seen, ::testing::Each("same"));
  EXPECT_EQ(sshd.connections(), 1);
  EXPECT_THAT(sshd.Log(), ::testing::HasSubstr("rekeying"));
}

TEST(SshTransfer, AProgramThatDoesNotReadItsInputStillEnds) {
  TestSshd sshd;
  Command command = Sh("echo early; exit 4");
  command.input = BytesOf(std::string(kBig / 2, 'x'));
  auto result = Connected(sshd)->Run(ACall(), command);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(result->out, "early\n");
  EXPECT_EQ(result->exit_code, 4);
}

TEST(SshTransfer, ASlowReaderHoldsUpNobodyElse) {
  TestSshd sshd;
  auto node = Connected(sshd);
  Command stalled = Sh("head -c 20000000 /dev/zero");
  std::size_t size = 0;
  bool others_went_on = false;
  stalled.output = [&](std::string_view part) -> Status {
    // While this sink does not return, another command comes and goes.
    if (size == 0) others_went_on = node->Run(ACall(), Sh("echo quick"))->out == "quick\n";
    size += part.size();
    return {};
  };
  auto result = node->Run(ACall(), stalled);
  ASSERT_TRUE(result) << ReasonOf(result);
  EXPECT_EQ(size, 20000000U);
  EXPECT_TRUE(others_went_on);
}

}  // namespace
}  // namespace etcdrestore::testing
