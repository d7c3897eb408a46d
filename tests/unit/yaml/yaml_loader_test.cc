#include "operator/adapters/yaml/yaml_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json One(const std::string& text, YamlDialect dialect = YamlDialect::kKubernetes) {
  const auto documents = LoadYaml(text, "f.yaml", dialect);
  EXPECT_TRUE(documents) << text << ": " << documents.error().message;
  if (!documents || documents->size() != 1) return "want one document";
  return documents->front().value;
}

TEST(YamlLoader, TypesPlainScalarsAsKubectlDoes) {
  struct Case {
    const char* text;
    Json value;
  };
  const Case cases[] = {
      {"true", true},
      {"False", false},
      {"TRUE", true},
      {"tRUE", "tRUE"},
      {"null", nullptr},
      {"~", nullptr},
      {"", nullptr},
      {"nUll", "nUll"},
      {"0", 0},
      {"-12", -12},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"1.5", 1.5},
      {"-0.25", -0.25},
      {"1.0", 1.0},
      {"1.1.1.3", "1.1.1.3"},
      {"v1.8.0", "v1.8.0"},
      {"168h", "168h"},
      {"2026-11-22", "2026-11-22"},
      {"2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
      {"2026-11-22T03:00:00Z_etcd", "2026-11-22T03:00:00Z_etcd"},
      {"2026-11-22-1", "2026-11-22-1"},
      {"https://x:9000/y", "https://x:9000/y"},
      {"fd00::1", "fd00::1"},
      {"30000-32767", "30000-32767"},
      {"10%", "10%"},
      {"0x", "0x"},
      {"e3", "e3"},
      {"...x", "...x"},
      {".", "."},
      {"-", Json::array({nullptr})},
      {"yesterday", "yesterday"},
      {"'yes'", "yes"},
      {"\"010\"", "010"},
      {"'null'", "null"},
      {"''", ""},
      {"!!str 5", "5"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(One("a: \n" + std::string("  ") + one.text)["a"], one.value);
  }
}

TEST(YamlLoader, IntegersAreSignedSoThatTheyCompareWithJson) {
  EXPECT_EQ(One("a: 5")["a"].type(), Json::value_t::number_integer);
  EXPECT_EQ(One(R"({"a": 5})")["a"].type(), Json::value_t::number_integer);
}

TEST(YamlLoader, ReadsBlockAndFlowStyleAlike) {
  EXPECT_EQ(One("a:\n  - b: 1\n    c: [x, z]\n  - {d: e}\n"),
            Json::parse(R"({"a":[{"b":1,"c":["x","z"]},{"d":"e"}]})"));
}

TEST(YamlLoader, KeepsKeysInFileOrder) {
  EXPECT_EQ(One("z: 1\na: 2\nm: 3\n").dump(), R"({"z":1,"a":2,"m":3})");
}

TEST(YamlLoader, ReadsBlockScalarsByTheByte) {
  EXPECT_EQ(One("a: |\n  x\n\n   y\n")["a"], "x\n\n y\n");
  EXPECT_EQ(One("a: |-\n  x\n")["a"], "x");
  EXPECT_EQ(One("a: >-\n  x\n  y\n")["a"], "x y");
  EXPECT_EQ(One("a: |\r\n  x\r\n  y\r\n")["a"], "x\ny\n");
}

TEST(YamlLoader, TabsInsideABlockScalarAreContent) {
  EXPECT_EQ(One("a:\n  - k: |\n      all:\n      \tmake\n  - b\n")["a"][0]["k"], "all:\n\tmake\n");
}

TEST(YamlLoader, SplitsDocumentsAndSaysWhereTheyStart) {
  const auto documents = LoadYaml("# c\n---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "f");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ((*documents)[0].value, Json::parse(R"({"a":1})"));
  EXPECT_EQ((*documents)[1].value, Json::parse(R"({"b":2})"));
  EXPECT_EQ((*documents)[0].line, 2);
  EXPECT_EQ((*documents)[1].line, 7);
}

TEST(YamlLoader, AnEmptyTextHasNoDocuments) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n"}) {
    const auto documents = LoadYaml(text, "f");
    ASSERT_TRUE(documents) << text;
    EXPECT_THAT(*documents, IsEmpty()) << text;
  }
}

TEST(YamlLoader, PassesOverAByteOrderMark) {
  EXPECT_EQ(One("\xEF\xBB\xBF"
                "a: 1\n")["a"],
            1);
}

TEST(YamlLoader, ReadsJsonAsJson) {
  EXPECT_EQ(One("{\n\t\"a\": 1e3,\n\t\"b\": [\"\\ud83d\\ude00\", null]}"),
            Json::parse("{\"a\":1000.0,\"b\":[\"\xF0\x9F\x98\x80\",null]}"));
}

TEST(YamlLoader, RkeDialectReadsOldBooleansWithAWarning) {
  const auto documents =
      LoadYaml("a: yes\nb: Off\nc: y\nd: 1.10\ne: 8080:80\n", "c.yml", YamlDialect::kRke);
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->front().value,
            Json::parse(R"({"a":true,"b":false,"c":true,"d":"1.10","e":"8080:80"})"));
  EXPECT_THAT(documents->front().warnings,
              ElementsAre(HasSubstr("c.yml:1:4: yes is read as true"),
                          HasSubstr("c.yml:2:4: Off is read as false"),
                          HasSubstr("c.yml:3:4: y is read as true"),
                          HasSubstr("c.yml:4:4: 1.10 is kept as text")));
}

TEST(YamlLoader, ManyKeysInOneMappingDoNotTakeMinutes) {
  std::string text;
  for (int i = 0; i < 49'990; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto documents = LoadYaml(text, "f");
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->front().value.size(), 49'990U);
}

}  // namespace
}  // namespace etcdrestore
