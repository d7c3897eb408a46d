#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "operator/adapters/yaml/yaml_loader.h"

namespace etcdrestore {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Refusal(const std::string& text, YamlDialect dialect = YamlDialect::kKubernetes) {
  const auto documents = LoadYaml(text, "f.yaml", dialect);
  if (documents) return "accepted: " + documents->front().value.dump();
  EXPECT_EQ(documents.error().reason, "YamlInvalid");
  EXPECT_EQ(documents.error().kind, ErrorKind::kTerminal);
  return documents.error().message;
}

TEST(YamlRefusals, NameTheLineAndTheCause) {
  struct Case {
    const char* text;
    const char* place;
    const char* cause;
  };
  const Case cases[] = {
      {"a: 1\nb: &x 2\n", "f.yaml:2:4: ", "anchors and aliases"},
      {"a: &x {b: 1}\n", "f.yaml:1:4: ", "anchors and aliases"},
      {"a: &x [b]\nc: *x\n", "f.yaml:1:4: ", "anchors and aliases"},
      {"a: &x\n", "f.yaml:1:4: ", "anchors and aliases"},
      {"a: 1\nb:\n  c: 1\n  a: 2\n  c: 3\n", "f.yaml:5:3: ", "key \"c\" is already set"},
      {"a: 1\n'a': 2\n", "f.yaml:2:1: ", "already set"},
      {"1: a\n", "f.yaml:1:1: ", "key 1 is not a string"},
      {"on: a\n", "f.yaml:1:1: ", "key on is not a string"},
      {"true: a\n", "f.yaml:1:1: ", "not a string"},
      {"null: a\n", "f.yaml:1:1: ", "keys are strings"},
      {": a\n", "f.yaml:1:1: ", "keys are strings"},
      {"[a]: b\n", "f.yaml:1:1: ", "key must be a string"},
      {"? {a: b}\n: c\n", "f.yaml:1:3: ", "key must be a string"},
      {"<<: {a: b}\n", "f.yaml:1:1: ", "merge keys"},
      {"a: !!binary aGk=\n", "f.yaml:1:4: ", "tag tag:yaml.org,2002:binary is not supported"},
      {"a: !mine 5\n", "f.yaml:1:4: ", "tag !mine is not supported"},
      {"a: !!set {b: }\n", "f.yaml:1:4: ", "is not supported"},
      {"a:\n\tb: 1\n", "f.yaml:2:1: ", "tab in the indentation"},
      {"a:\n  \tb: 1\n", "f.yaml:2:3: ", "tab in the indentation"},
      {"a: |\n  x\n\tb: 1\n", "f.yaml:3:1: ", "tab in the indentation"},
      {"- k: |\n    x\n  \tb: 1\n", "f.yaml:3:3: ", "tab in the indentation"},
      {"a: [1\n", "f.yaml:1:", ""},
      {"a: {b: c\n", "f.yaml:", ""},
      {"a: [b, c\n", "f.yaml:", ""},
      {"a: \"x\n", "f.yaml:2:1: ", "not closed"},
      {"a: \"x", "f.yaml:", ""},
      {"a: 'x\ny\n", "f.yaml:3:1: ", "not closed"},
      {"---\n\"x\" z\n", "f.yaml:2:5: ", "--- is missing"},
      {"a: b: c\n", "f.yaml:1:", ""},
      {"a: \xFF\n", "f.yaml:1:4: ", "not UTF-8"},
      {"a: \xC0\xAF\n", "f.yaml:1:4: ", "not UTF-8"},
      {"a: \xED\xA0\x80\n", "f.yaml:1:4: ", "not UTF-8"},
      {"a: 1\nb: \x01\n", "f.yaml:2:4: ", "control character"},
      {"\"x\" y\n", "f.yaml:1:5: ", "--- is missing"},
      {"{\"a\": 1, \"a\": 2}", "f.yaml: ", "key \"a\" is set twice"},
      {"{\"a\": 18446744073709551615}", "f.yaml: ", "integer over 64 bits"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_THAT(Refusal(one.text), StartsWith(one.place));
    EXPECT_THAT(Refusal(one.text), HasSubstr(one.cause));
  }
}

TEST(YamlRefusals, WhatReadersDisagreeAboutMustBeQuoted) {
  for (const char* text : {"yes",       "No",      "ON",
                           "off",       "y",       "N",
                           "010",       "0o17",    "0x1f",
                           "0b1",       "1_000",   "1e3",
                           "1E-3",      "1.5e3",   "+5",
                           "-0",        "1.",      ".5",
                           "1.10",      "00",      "-010",
                           ".inf",      "-.INF",   ".nan",
                           "08",        "0.10",    "9223372036854775808",
                           "190:20:30", "8080:80", "12345678901234567890",
                           "123e4567"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(Refusal("a: 1\nb: " + std::string(text)), StartsWith("f.yaml:2:4: "));
    EXPECT_THAT(Refusal("a: 1\nb: " + std::string(text)), HasSubstr("quote it"));
    EXPECT_THAT(Refusal("b: '" + std::string(text) + "'"), StartsWith("accepted"));
  }
}

TEST(YamlRefusals, RkeDialectStillRefusesWhatChangesItsValue) {
  for (const char* text : {"010", "0x1f", "1_000", ".inf", "9223372036854775808"}) {
    EXPECT_THAT(Refusal("b: " + std::string(text), YamlDialect::kRke), HasSubstr("quote it"));
  }
  EXPECT_THAT(Refusal("a: &x 1\nb: *x\n", YamlDialect::kRke), HasSubstr("anchors and aliases"));
}

TEST(YamlRefusals, BombsAreRefusedBeforeTheyGrow) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) bomb += "," + before;
    bomb += "]\n";
  }
  EXPECT_THAT(Refusal(bomb), HasSubstr("anchors and aliases"));
}

TEST(YamlRefusals, LimitsHold) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + "x" + std::string(levels, ']');
  };
  EXPECT_THAT(Refusal(nested(64)), StartsWith("accepted"));
  EXPECT_THAT(Refusal(nested(65)), HasSubstr("deeper than 64 levels"));
  EXPECT_THAT(Refusal(std::string(200'000, '[')), StartsWith("f.yaml:1:"));
  EXPECT_THAT(
      Refusal("[\"" + nested(0) + "\"," + std::string(65, '[') + std::string(65, ']') + "]"),
      HasSubstr("deeper than 64 levels"))
      << "as JSON";
  std::string many = "a:\n";
  for (int i = 0; i < 100'000; ++i) many += "- 1\n";
  EXPECT_THAT(Refusal(many), HasSubstr("more than 100000 values"));
  std::string json = "[0";
  for (int i = 0; i < 100'000; ++i) json += ",0";
  EXPECT_THAT(Refusal(json + "]"), HasSubstr("more than 100000 values"));
  EXPECT_THAT(Refusal("a: " + std::string(4U << 20U, 'x')), HasSubstr("larger than 4 MiB"));
}

}  // namespace
}  // namespace etcdrestore
