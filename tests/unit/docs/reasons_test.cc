// Every reason that a person can meet is explained in docs/at-night.md.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "operator/base/files.h"

namespace etcdrestore {
namespace {

using Names = std::set<std::string>;

const std::filesystem::path kRoot = ETCDRESTORE_SOURCE_DIR;

/// Where errors are made that no restore ends with: a flag's, a log line's, a watch's.
const Names kElsewhere = {"operator/cli", "operator/runtime", "operator/adapters/kube",
                          "operator/adapters/metrics", "operator/kubernetes/operator.cc"};
/// Said from one part of the program to another, and never further.
const Names kInside = {"Enough", "PipeClosed"};

bool IsElsewhere(const std::string& path) {
  return std::any_of(kElsewhere.begin(), kElsewhere.end(),
                     [&](const std::string& one) { return path.starts_with(one); });
}

/// The sources of the program by path.
std::map<std::string, std::string> Sources() {
  std::map<std::string, std::string> found;
  for (const char* folder : {"crds", "operator", "reconcilers"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const std::string path = std::filesystem::relative(file.path(), kRoot);
      const std::string kind = file.path().extension();
      if (kind == ".cc" || kind == ".h" || kind == ".sh")
        found[path] = ReadFile(file.path()).value_or("");
    }
  }
  return found;
}

void Collect(const std::string& text, const char* pattern, Names& into) {
  const std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    into.insert((*at)[1]);
}

/// Reasons as errors are made, as nodes fail, and as objects that are not run are told of.
Names ReasonsInCode() {
  Names found;
  for (const auto& [path, text] : Sources()) {
    if (IsElsewhere(path)) continue;
    Collect(text, R"re(\b(?:Terminal|Transient)\(\s*"([A-Z][A-Za-z]+)")re", found);
    if (path.ends_with(".sh")) Collect(text, R"re(\bfail ([A-Z][a-z][A-Za-z]+) )re", found);
    Collect(text, R"re(\bSay\([^;"]*(?:"[A-Z][a-z]+"|phase),\s*"([A-Z][A-Za-z]+)")re", found);
  }
  for (const std::string& one : kInside) found.erase(one);
  return found;
}

/// What stands in backticks in the first column of its tables.
Names ReasonsExplained() {
  Names found;
  const std::string text = ReadFile(kRoot / "docs/at-night.md").value_or("");
  for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size()) + 1) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with("| `"))
      Collect(line.substr(0, line.find(" | ", 2)), R"re(`([A-Z][A-Za-z]+)`)re", found);
  }
  return found;
}

TEST(Reasons, AreAllExplainedInThePageForTheNight) {
  const Names explained = ReasonsExplained();
  const Names met = ReasonsInCode();
  EXPECT_GT(met.size(), 80U) << "the sources are not read as they are written";
  for (const char* one : {"HostKeyMismatch", "DiskError", "AlreadyRan", "Paused"})
    EXPECT_TRUE(met.contains(one)) << one;
  for (const std::string& one : met)
    EXPECT_TRUE(explained.contains(one)) << one << " is not explained";
}

TEST(Reasons, ThatAreExplainedStandInTheCode) {
  std::string all;
  for (const auto& [path, text] : Sources()) all += text;
  for (const std::string& one : ReasonsExplained())
    EXPECT_TRUE(all.find('"' + one + '"') != std::string::npos ||
                all.find("fail " + one + " ") != std::string::npos)
        << one << " does not exist";
}

}  // namespace
}  // namespace etcdrestore
