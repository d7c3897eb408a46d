#include <gtest/gtest.h>

#include <filesystem>

#include "operator/snapshot/mapped_file.h"
#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

struct Refusal {
  const char* name;
  std::string bytes;
  const char* reason;
  const char* message_has;
};

std::vector<Refusal> Refusals() {
  const std::string good = Golden("kube");
  return {
      {"empty file", "", "SnapshotEmpty", "0 bytes"},
      {"zip", ReadWhole(TestData("kube.zip")), "SnapshotIsZip", "zip"},
      {"zip without entries", std::string("PK\x05\x06") + std::string(18, '\0'), "SnapshotIsZip",
       "zip"},
      {"html", "<!DOCTYPE html><html><body>Sign in</body></html>", "SnapshotIsHtml", "web page"},
      {"html after a byte order mark and blanks", "\xEF\xBB\xBF\r\n  <HTML>", "SnapshotIsHtml",
       "web page"},
      {"html of the right size", "<html>" + std::string(512 + 26, ' '), "SnapshotIsHtml",
       "web page"},
      {"S3 error",
       "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>",
       "SnapshotIsHtml", "the server said NoSuchKey"},
      {"S3 error with a hostile code", "<Error><Code>a\x1b[2Jb</Code></Error>", "SnapshotIsHtml",
       "error document"},
      {"text", "not found", "SnapshotTruncated", "does not start like an etcd database"},
      {"only a trailer", WithTrailer(""), "SnapshotTruncated", "does not start like"},
      {"one byte short", good.substr(0, good.size() - 1), "SnapshotTruncated", "cut off"},
      {"one byte long", good + "x", "SnapshotTruncated", "cut off"},
      {"half", good.substr(0, good.size() / 2), "SnapshotTruncated", "cut off"},
      {"copy without digest", WithoutTrailer(good), "SnapshotTruncated", "member/snap/db"},
      {"cut at another place that fits", good.substr(0, 8192 + 32), "SnapshotCorrupt",
       "last 32 bytes"},
      {"random of the right size", std::string(4096 + 32, 'x'), "SnapshotCorrupt", "sha256"},
      {"zeros with digest", WithTrailer(std::string(8192, '\0')), "SnapshotDamaged", "meta pages"},
      {"meta pages only, cut", WithTrailer(good.substr(0, 8192)), "SnapshotDamaged", "the file"},
  };
}

TEST(SnapshotRefusal, HasItsReasonAndSaysWhatWasSeen) {
  for (const auto& [name, bytes, reason, message_has] : Refusals()) {
    SCOPED_TRACE(name);
    const auto facts = ReadBytes(bytes);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().reason, reason) << facts.error().message;
    EXPECT_EQ(facts.error().kind, ErrorKind::kTerminal);
    EXPECT_NE(facts.error().message.find(message_has), std::string::npos) << facts.error().message;
    EXPECT_NE(facts.error().message.find("/snapshot"), std::string::npos) << "names the file";
    EXPECT_EQ(facts.error().message.find('\x1b'), std::string::npos);
  }
}

TEST(SnapshotRefusal, FindsOneBitFlippedAnywhere) {
  const std::string good = Golden("kube");
  // A prime step: header, metas, free pages, values and the digest itself are all hit.
  for (std::size_t at = 16; at < good.size(); at += 9973) {
    SCOPED_TRACE(at);
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    EXPECT_EQ(ReasonOf(ReadBytes(bytes)), "SnapshotCorrupt");
  }
  for (const std::size_t at : {good.size() - 32, good.size() - 1}) {
    SCOPED_TRACE(at);
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    EXPECT_EQ(ReasonOf(ReadBytes(bytes)), "SnapshotCorrupt");
  }
}

TEST(SnapshotRefusal, OfWhatIsNoReadableFile) {
  const TempFolder folder;
  EXPECT_EQ(ReasonOf(ReadSnapshot({}, folder.Path("absent"))), "SnapshotUnreadable");
  EXPECT_EQ(ReasonOf(ReadSnapshot({}, folder.Path(""))), "SnapshotUnreadable");
  EXPECT_EQ(ReasonOf(ReadSnapshot({}, "/dev/null")), "SnapshotUnreadable");
}

TEST(MappedFile, NoticesThatItsFileShrank) {
  const TempFolder folder;
  const std::string path = folder.Write("file", std::string(5000, 'x'));
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->CheckUnchanged());
  std::filesystem::resize_file(path, 100);
  EXPECT_EQ(ReasonOf(file->CheckUnchanged()), "SnapshotUnreadable");
  std::string buffer(5000, '\0');
  EXPECT_EQ(ReasonOf(file->ReadAt(0, buffer.data(), buffer.size())), "SnapshotUnreadable");
  EXPECT_TRUE(file->ReadAt(0, buffer.data(), 100));
}

}  // namespace
}  // namespace etcdrestore
