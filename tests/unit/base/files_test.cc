#include "operator/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace etcdrestore {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct FilesTest : testing::Test {
  FilesTest() {
    folder = (std::filesystem::temp_directory_path() / "files-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
  }
  ~FilesTest() override { std::filesystem::remove_all(folder); }
  std::string folder;
};

TEST_F(FilesTest, ALockTellsWhoHoldsItAndEndsWithItsHolder) {
  const std::string path = folder + "/prod.lock";
  {
    const auto held = FileLock::Take(path, "process 42, since 2026-11-22T04:00:00Z, run a\n");
    ASSERT_TRUE(held);
    const auto second = FileLock::Take(path, "process 43\n");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, "LockedByOther");
    EXPECT_EQ(second.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(second.error().message,
                AllOf(HasSubstr("process 42, since 2026-11-22T04:00:00Z, run a holds " + path),
                      Not(HasSubstr("\n"))));
  }
  const auto next = FileLock::Take(path, "44\n");
  ASSERT_TRUE(next);
  EXPECT_EQ(ReadFile(path).value_or(""), "44\n") << "nothing is left of a longer note";
}

TEST_F(FilesTest, AFileIsReplacedWholeAndForItsOwnerOnly) {
  const std::string path = folder + "/status.json";
  ASSERT_TRUE(WriteFileAtomically(path, "a long one"));
  ASSERT_TRUE(WriteFileAtomically(path, "short"));
  EXPECT_EQ(ReadFile(path).value_or(""), "short");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(FileExists(path + ".new"));
  EXPECT_EQ(WriteFileAtomically(folder + "/none/x", "x").error().reason, "FileUnwritable");
}

TEST_F(FilesTest, ReadingTellsMissingFromUnreadable) {
  EXPECT_EQ(ReadFile(folder + "/none").error().reason, "FileMissing");
  ASSERT_TRUE(WriteFileAtomically(folder + "/x", "12345"));
  EXPECT_EQ(ReadFile(folder + "/x", 4).error().reason, "FileUnreadable");
  EXPECT_EQ(ReadFile(folder + "/x", 5).value_or(""), "12345");
}

}  // namespace
}  // namespace etcdrestore
