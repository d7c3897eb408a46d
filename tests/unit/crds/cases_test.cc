#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crds/etcd_restore.h"
#include "tests/support/object_cases.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::LoadObjectCases;
using testing::Patched;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

TEST(ObjectCases, AreJudgedAsTheTableSays) {
  const auto documents = LoadObjectCases();
  ASSERT_GT(documents.size(), 40U);
  const Json& base = documents[0].value;
  for (std::size_t i = 1; i < documents.size(); ++i) {
    const Json& one = documents[i].value;
    SCOPED_TRACE(one["case"].get<std::string>() + " (line " + std::to_string(documents[i].line) +
                 ")");
    const auto wanted = one.value("faults", std::vector<std::string>());
    const auto parsed = ParseEtcdRestore(Patched(base, one, "patch"));
    std::vector<std::string> seen;
    if (!parsed) {
      EXPECT_EQ(parsed.error().reason, "ObjectInvalid");
      EXPECT_EQ(parsed.error().kind, ErrorKind::kTerminal);
      seen = Lines(parsed.error().message);
    } else if (one.contains("from")) {
      const auto old = ParseEtcdRestore(Patched(base, one, "from"));
      ASSERT_TRUE(old) << old.error().message;
      const Status allowed = CheckUpdate(*old, *parsed);
      if (!allowed) seen = Lines(allowed.error().message);
    }
    EXPECT_THAT(seen, UnorderedElementsAreArray(wanted));
  }
}

}  // namespace
}  // namespace etcdrestore
