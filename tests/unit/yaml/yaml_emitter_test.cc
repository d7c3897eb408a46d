#include "operator/adapters/yaml/yaml_emitter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "operator/adapters/yaml/yaml_loader.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;

TEST(YamlEmitter, WritesBlockStyleInOrder) {
  const Json value = Json::parse(R"({"nodes":[{"address":"1.1.1.1","role":["etcd","worker"],
    "port":22,"labels":{},"taints":[]},["a",["b"]],"x"],"on":true,"none":null,"f":1.5})");
  EXPECT_EQ(EmitYaml(value),
            "nodes:\n"
            "  - address: \"1.1.1.1\"\n"
            "    role:\n"
            "      - etcd\n"
            "      - worker\n"
            "    port: 22\n"
            "    labels: {}\n"
            "    taints: []\n"
            "  - - a\n"
            "    - - b\n"
            "  - x\n"
            "\"on\": true\n"
            "none: null\n"
            "f: 1.5\n");
}

TEST(YamlEmitter, WritesLinesAsALiteralBlock) {
  EXPECT_EQ(EmitYaml(Json{{"key", "BEGIN\nx y\n\nEND\n"}, {"b", "x\ny"}, {"l", {"p\nq\n"}}}),
            "key: |\n  BEGIN\n  x y\n\n  END\nb: |-\n  x\n  y\nl:\n  - |\n    p\n    q\n");
}

const std::vector<std::string>& Awkward() {
  static const std::vector<std::string> texts = {
      "",
      " ",
      "a",
      "yes",
      "No",
      "ON",
      "y",
      "true",
      "null",
      "~",
      "010",
      "0x1f",
      "1_000",
      "1e3",
      "1.10",
      "-5",
      ".inf",
      "=",
      "<<",
      "-",
      "- a",
      "a: b",
      "a:",
      ":a",
      "a #b",
      "#a",
      "&a",
      "*a",
      "!a",
      "%a",
      "@a",
      "`a",
      "|",
      ">",
      "'a'",
      "\"a\"",
      "a\\b",
      "[a]",
      "{a}",
      "a,b",
      "?a",
      "? a",
      "2026-11-22",
      "2026-11-22T03:00:00Z",
      "12:30:45",
      "a\tb",
      "\ta",
      "a\n",
      "a\nb",
      "a\nb\n",
      "a\n\nb\n\n",
      "\na",
      " a\nb\n",
      "a\n b\n",
      "a \nb\n",
      "a\n\t\nb",
      "a\r\nb",
      "a\n---\nb\n",
      "---",
      "...",
      "---\na: 1\n",
      "\x01",
      "\x7F",
      "\xC3\xA4",
      "\xC2\x85",
      "\xE2\x80\xA8x\n",
      "\xEF\xBB\xBFx",
      "a\xE2\x80\xA9\nb\n",
      "\xF0\x9F\x98\x80",
      "a\n#b\n",
      "a\n  - b: c\n",
      "/x/y",
      "a=b",
      "key: |\n  x\n",
      "\n",
      "\n\n",
      "a\n\n",
      std::string("a\0b", 3),
      "~/.ssh/id_rsa",
      "a b",
      " a",
      "a ",
  };
  return texts;
}

void ExpectRoundTrip(const Json& value) {
  const std::string text = EmitYaml(value);
  const auto documents = LoadYaml(text, "emitted");
  ASSERT_TRUE(documents) << documents.error().message << "\n" << text;
  ASSERT_EQ(documents->size(), 1U) << text;
  EXPECT_EQ(documents->front().value.dump(), value.dump()) << text;
  const auto again = LoadYaml(text, "emitted", YamlDialect::kRke);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->front().value.dump(), value.dump()) << text;
}

TEST(YamlEmitter, AwkwardStringsComeBackUnchanged) {
  for (const std::string& text : Awkward()) {
    SCOPED_TRACE(Json(text).dump());
    ExpectRoundTrip(Json{{"k", text}, {"after", 1}});
    ExpectRoundTrip(Json::array({text, text}));
    Json nested = Json::object();
    nested["l"] = Json::array({Json{{"k", text}}, Json::array({text})});
    ExpectRoundTrip(nested);
    if (!text.empty()) ExpectRoundTrip(text);
    Json key = Json::object();
    key[text] = Json{{text, "v"}};
    ExpectRoundTrip(key);
  }
}

Json RandomValue(std::mt19937& random, int depth) {
  const auto pick = [&](std::size_t n) { return random() % n; };
  const std::size_t kind = pick(depth > 0 ? 7 : 5);
  if (kind < 2) return Awkward()[pick(Awkward().size())];
  if (kind == 2) return static_cast<std::int64_t>(random()) - 2'000'000'000;
  if (kind == 3) return pick(2) == 0;
  if (kind == 4) return nullptr;
  Json value = kind == 5 ? Json::array() : Json::object();
  for (std::size_t i = pick(4); i > 0; --i) {
    if (kind == 5) {
      value.push_back(RandomValue(random, depth - 1));
    } else {
      value[Awkward()[pick(Awkward().size())]] = RandomValue(random, depth - 1);
    }
  }
  return value;
}

TEST(YamlEmitter, RandomValuesComeBackUnchanged) {
  std::mt19937 random(20261122);
  for (int i = 0; i < 2000; ++i) ExpectRoundTrip(Json{{"v", RandomValue(random, 4)}});
}

}  // namespace
}  // namespace etcdrestore
