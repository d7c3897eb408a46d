#include "operator/adapters/ssh/shell_quote.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace etcdrestore {
namespace {

using ::testing::HasSubstr;

/// What `shell -c line` writes to standard output.
std::string RunIn(const std::string& shell, const std::string& line) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], 1);
  std::vector<std::string> argv = {shell, "-c", line};
  std::vector<char*> pointers = {argv[0].data(), argv[1].data(), argv[2].data(), nullptr};
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, shell.c_str(), &files, nullptr, pointers.data(), environ), 0);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  std::string out;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(ends[0], buffer, sizeof(buffer))) > 0)
    out.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  return out;
}

/// The words back from a real shell, each between brackets.
void ExpectRoundTrip(const std::vector<std::string>& words) {
  std::vector<std::string> argv = {"/usr/bin/printf", "[%s]"};
  std::string expected;
  for (const std::string& word : words) {
    argv.push_back(word);
    expected += "[" + word + "]";
  }
  auto line = ShellQuote(argv);
  ASSERT_TRUE(line) << line.error().message;
  for (const std::string shell : {"/bin/sh", "/bin/bash"})
    EXPECT_EQ(RunIn(shell, *line), expected) << shell << " -c " << *line;
}

TEST(ShellQuote, GivesBackHostileWords) {
  const std::vector<std::string> words = {"",
                                          " ",
                                          "'",
                                          "''",
                                          "'\\''",
                                          "\"",
                                          "\\",
                                          "\\\\",
                                          "\\'",
                                          "$HOME",
                                          "${IFS}",
                                          "$(id)",
                                          "`id`",
                                          "; id",
                                          "&& id",
                                          "|| id",
                                          "| id",
                                          "> /dev/full",
                                          "< /etc/shadow",
                                          "*",
                                          "?",
                                          "[a-z]",
                                          "~",
                                          "~root",
                                          "a b  c",
                                          "\n",
                                          "a\nid\nb",
                                          "\r\n",
                                          "\t",
                                          "-n",
                                          "--",
                                          "-e",
                                          "A=1",
                                          "=",
                                          "#",
                                          "a #b",
                                          "!",
                                          "!!",
                                          "{a,b}",
                                          "(id)",
                                          "&",
                                          "%s",
                                          "%d\\n",
                                          "\xc3\xbc",
                                          "\xff\x80",
                                          "\x01\x7f",
                                          "\x1b[2J",
                                          "if",
                                          "done",
                                          "$'\\x41'",
                                          "<<EOF",
                                          "*/../../",
                                          "\\\n",
                                          "'; id; '",
                                          "\"; id; \"",
                                          "a'b\"c`d$e\\f"};
  for (const std::string& word : words) {
    SCOPED_TRACE(word);
    ExpectRoundTrip({word});
  }
  ExpectRoundTrip(words);
}

TEST(ShellQuote, GivesBackRandomBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> byte(1, 255);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> words(4);
    for (std::string& word : words) {
      for (int i = 0; i < 40; ++i) word += static_cast<char>(byte(random));
    }
    ExpectRoundTrip(words);
  }
}

TEST(ShellQuote, LeavesPlainWordsReadable) {
  EXPECT_EQ(*ShellQuote({"docker", "inspect", "--format", "{{.ID}}", "etcd", "/var/lib/etcd"}),
            "'docker' inspect --format '{{.ID}}' etcd /var/lib/etcd");
}

TEST(ShellQuote, TheProgramIsNeverAReservedWord) {
  // As a bare word this would be the shell's own `time`, `if` or `{`.
  for (const std::string word : {"if", "time", "exec", "alias", "{", "!"})
    EXPECT_EQ(*ShellQuote({word}), "'" + word + "'");
}

TEST(ShellQuote, RefusesWhatNoProgramCanBeGiven) {
  struct Case {
    std::string name;
    std::vector<std::string> argv;
    std::string says;
  };
  const std::vector<Case> cases = {
      {"nothing", {}, "without a program"},
      {"NUL", {"cat", std::string("a\0b", 3)}, "NUL byte"},
      {"too long", {"cat", std::string(kMaxShellLine, 'x')}, "standard input"},
      {"too long once quoted", {"cat", std::string(kMaxShellLine / 3, '\'')}, "standard input"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    auto line = ShellQuote(one.argv);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().reason, "InvalidCommand");
    EXPECT_EQ(line.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(line.error().message, HasSubstr(one.says));
  }
}

}  // namespace
}  // namespace etcdrestore
