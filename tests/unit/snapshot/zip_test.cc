#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <filesystem>

#include "tests/unit/snapshot/fixtures.h"

namespace etcdrestore {
namespace {
using namespace testing;

constexpr std::uint64_t kLimit = 1U << 20U;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string MakeZip(const TempFolder& folder, const Entries& entries) {
  std::string path = folder.Path("made.zip");
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : entries) {
    zip_source_t* const source = zip_source_buffer(archive, content.data(), content.size(), 0);
    EXPECT_GE(zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8), 0);
  }
  EXPECT_EQ(zip_close(archive), 0) << zip_strerror(archive);
  return path;
}

std::size_t FilesIn(const TempFolder& folder) {
  const std::filesystem::directory_iterator begin(folder.Path(""));
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

TEST(UnpackZip, GivesTheDatabaseAndTheState) {
  const TempFolder folder;
  const std::string name = "2026-11-22T03:00:00Z_etcd";
  const auto zip = MakeZip(folder, {{"/backup/" + name, "database"},
                                    {"/etc/kubernetes/" + name + ".rkestate", "{\"state\":1}"}});
  const auto contents = UnpackZip({}, zip, folder.Path("db"), kLimit);
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->name, name);
  EXPECT_EQ(contents->rkestate, "{\"state\":1}");
  EXPECT_EQ(ReadWhole(folder.Path("db")), "database");
  struct stat about {};
  ASSERT_EQ(stat(folder.Path("db").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  EXPECT_EQ(FilesIn(folder), 2U) << "nothing temporary stays";
}

TEST(UnpackZip, NeedsNoState) {
  const TempFolder folder;
  const auto contents =
      UnpackZip({}, MakeZip(folder, {{"/backup/s", "x"}}), folder.Path("db"), kLimit);
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->rkestate, std::nullopt);
}

TEST(UnpackZip, ReplacesAnOlderFileOnlyWhenAllWentWell) {
  const TempFolder folder;
  const std::string db = folder.Write("db", "old");
  EXPECT_FALSE(UnpackZip({}, MakeZip(folder, {{"/backup/s", "new"}, {"/x", ""}}), db, kLimit));
  EXPECT_EQ(ReadWhole(db), "old");
  EXPECT_TRUE(UnpackZip({}, MakeZip(folder, {{"/backup/s", "new"}}), db, kLimit));
  EXPECT_EQ(ReadWhole(db), "new");
}

TEST(UnpackZip, RefusesOtherContentAndLeavesNothingBehind) {
  Entries many;
  for (int i = 0; i < 17; ++i) many.emplace_back("/backup/" + std::to_string(i), "x");
  const std::string state = "/etc/kubernetes/";
  for (const auto& [name, entries, message_has] :
       std::vector<std::tuple<const char*, Entries, const char*>>{
           {"state alone", {{state + "s.rkestate", ""}}, "no entry /backup/"},
           {"foreign entry", {{"/backup/s", "x"}, {"/etc/passwd", "x"}}, "/etc/passwd"},
           {"two databases", {{"/backup/s", "x"}, {"/backup/t", "x"}}, "unexpected entry"},
           {"state of another", {{"/backup/s", "x"}, {state + "t.rkestate", ""}}, "belongs to"},
           {"two states",
            {{"/backup/s", "x"}, {state + "s.rkestate", ""}, {state + "t.rkestate", ""}},
            "unexpected entry"},
           {"relative name", {{"backup/s", "x"}}, "unexpected entry"},
           {"way out", {{"/backup/../../etc/cron.d/x", "x"}}, "unusable name"},
           {"dots", {{"/backup/..", "x"}}, "unusable name"},
           {"no name", {{"/backup/", ""}}, "unusable name"},
           {"line break in the name", {{"/backup/a\nb", "x"}}, "'a?b'"},
           {"name too long", {{"/backup/" + std::string(256, 'n'), "x"}}, "unusable name"},
           {"too many entries", many, "17 entries"},
           {"too large", {{"/backup/s", std::string(kLimit + 1, '\0')}}, "larger than 1048576"},
       }) {
    SCOPED_TRACE(name);
    const TempFolder folder;
    const auto contents = UnpackZip({}, MakeZip(folder, entries), folder.Path("db"), kLimit);
    ASSERT_FALSE(contents);
    EXPECT_EQ(contents.error().reason, "ZipWrongContent") << contents.error().message;
    EXPECT_EQ(contents.error().kind, ErrorKind::kTerminal);
    EXPECT_NE(contents.error().message.find(message_has), std::string::npos)
        << contents.error().message;
    EXPECT_EQ(FilesIn(folder), 1U) << "only the zip itself";
  }
}

TEST(UnpackZip, TakesADatabaseOfExactlyTheLimit) {
  const TempFolder folder;
  const auto zip = MakeZip(folder, {{"/backup/s", std::string(kLimit, 'x')}});
  EXPECT_TRUE(UnpackZip({}, zip, folder.Path("db"), kLimit));
  EXPECT_EQ(std::filesystem::file_size(folder.Path("db")), kLimit);
}

TEST(UnpackZip, RefusesDamagedFilesAndLeavesNothingBehind) {
  const std::string good = ReadWhole(TestData("kube.zip"));
  std::string flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 1);
  for (const auto& [name, bytes] : std::vector<std::pair<const char*, std::string>>{
           {"empty", ""},
           {"truncated", good.substr(0, good.size() / 2)},
           {"last byte missing", good.substr(0, good.size() - 1)},
           {"bit flipped", flipped},
           {"html", "<html></html>"}}) {
    SCOPED_TRACE(name);
    const TempFolder folder;
    const auto contents =
        UnpackZip({}, folder.Write("bad.zip", bytes), folder.Path("db"), 1U << 30U);
    EXPECT_EQ(ReasonOf(contents), "ZipDamaged");
    EXPECT_EQ(FilesIn(folder), 1U) << "only the zip itself";
  }
}

TEST(UnpackZip, TellsFilesItCannotReadOrWriteFromBadOnes) {
  const TempFolder folder;
  EXPECT_EQ(ReasonOf(UnpackZip({}, folder.Path("absent"), folder.Path("db"), kLimit)),
            "ZipUnreadable");
  const auto zip = MakeZip(folder, {{"/backup/s", "x"}});
  EXPECT_EQ(ReasonOf(UnpackZip({}, zip, folder.Path("no/such/folder"), kLimit)),
            "SnapshotUnwritable");
  Call late;
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(ReasonOf(UnpackZip(late, zip, folder.Path("db"), kLimit)), "DeadlineExceeded");
}

TEST(LooksLikeZip, GoesByTheFirstBytes) {
  const TempFolder folder;
  EXPECT_TRUE(LooksLikeZip(TestData("kube.zip")));
  EXPECT_FALSE(LooksLikeZip(folder.Write("short", "PK")));
  EXPECT_FALSE(LooksLikeZip(folder.Write("text", "PKZIP file")));
  EXPECT_FALSE(LooksLikeZip(folder.Path("absent")));
}

}  // namespace
}  // namespace etcdrestore
