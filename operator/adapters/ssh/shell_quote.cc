#include "operator/adapters/ssh/shell_quote.h"

#include <string_view>

namespace etcdrestore {
namespace {

// Letters are listed because the answer must not depend on a locale. '=' and '~' are left out: at
// the start of a word they mean something to a shell.
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+";

bool IsPlain(std::string_view word) {
  return !word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos;
}

void AppendQuoted(std::string& line, std::string_view word) {
  line += '\'';
  for (const char c : word) {
    if (c == '\'') {
      line += "'\\''";
    } else {
      line += c;
    }
  }
  line += '\'';
}

}  // namespace

Result<std::string> ShellQuote(const std::vector<std::string>& argv) {
  if (argv.empty()) return Terminal("InvalidCommand", "a command without a program");
  std::string line;
  for (const std::string& word : argv) {
    if (word.find('\0') != std::string::npos) {
      return Terminal("InvalidCommand", "an argument of " + argv.front() +
                                            " holds a NUL byte; no program can be given one");
    }
    // The first word is always quoted: a bare reserved word or alias would be the shell's own.
    if (!line.empty() && IsPlain(word)) {
      line.append(" ").append(word);
      continue;
    }
    if (!line.empty()) line += ' ';
    AppendQuoted(line, word);
  }
  if (line.size() > kMaxShellLine) {
    return Terminal("InvalidCommand", "the command line of " + argv.front() + " has " +
                                          std::to_string(line.size()) + " bytes, at most " +
                                          std::to_string(kMaxShellLine) +
                                          " are possible; feed long text on standard input");
  }
  return line;
}

}  // namespace etcdrestore
