#include "operator/adapters/ssh/wire.h"

#include <gtest/gtest.h>

namespace etcdrestore::ssh {
namespace {

using namespace std::string_literals;

TEST(SshWire, WritesStringsWithTheirLength) {
  std::string out;
  PutString(out, "abc");
  PutString(out, "");
  EXPECT_EQ(out, "\0\0\0\3abc\0\0\0\0"s);
}

TEST(SshWire, WritesNumbersWithoutZerosAndNeverNegative) {
  struct Case {
    std::string number;
    std::string wire;
  };
  // The examples of RFC 4251 section 5 that are not negative.
  for (const Case& one :
       {Case{"", "\0\0\0\0"s}, Case{"\0\0"s, "\0\0\0\0"s}, Case{"\x09\xa3", "\0\0\0\2\x09\xa3"s},
        Case{"\x80", "\0\0\0\2\0\x80"s}, Case{"\0\x80"s, "\0\0\0\2\0\x80"s}}) {
    std::string out;
    PutMpint(out, one.number);
    EXPECT_EQ(out, one.wire);
  }
}

TEST(SshWire, TakesBackWhatWasPutAndLeavesTheRest) {
  std::string out;
  PutString(out, "abc");
  out += "rest";
  std::string_view in = out;
  EXPECT_EQ(TakeString(in), "abc");
  EXPECT_EQ(in, "rest");
}

TEST(SshWire, NeverReadsBeyondTheEnd) {
  for (const std::string& text : {""s, "\0\0\0"s, "\0\0\0\5abcd"s, "\xff\xff\xff\xff"s + "abc"}) {
    std::string_view in = text;
    EXPECT_FALSE(TakeString(in));
    EXPECT_EQ(in, text) << "nothing is taken on failure";
  }
}

TEST(SshWire, Base64IsStrict) {
  EXPECT_EQ(DecodeBase64("YWJj"), "abc");
  EXPECT_EQ(DecodeBase64("YWI="), "ab");
  EXPECT_EQ(DecodeBase64("YQ=="), "a");
  EXPECT_EQ(DecodeBase64(EncodeBase64("\0\xff\x10"s)), "\0\xff\x10"s);
  for (const std::string bad : {"", "YWJ", "YW Jj", "YWJj\n", "Y=Jj", "====", "YW-_", "YQ==YQ=="})
    EXPECT_FALSE(DecodeBase64(bad)) << bad;
}

TEST(SshWire, FingerprintsAreThoseOfSshKeygen) {
  const auto blob =
      DecodeBase64("AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");
  ASSERT_TRUE(blob);
  EXPECT_EQ(Fingerprint(*blob), "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
}

TEST(SshWire, RemoteTextCannotDriveATerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\r\nc\n\n"), "a [2Jb c");
  EXPECT_EQ(Printable(std::string(500, 'x'), 10), "xxxxxxxxxx...");
  EXPECT_EQ(Printable("\n"), "");
  EXPECT_EQ(Printable("\xc3\xbc"), "\xc3\xbc");
}

}  // namespace
}  // namespace etcdrestore::ssh
