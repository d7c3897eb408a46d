#include "operator/adapters/kube/json_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;

constexpr const char* kStream =
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"}{ \\\" \\\\\",\"b\":[1,{}]}}\n"
    "{\"type\":\"BOOKMARK\"}{\"type\":\"DELETED\"}\r\n";

constexpr const char* kList =
    "{\"kind\":\"items\",\"note\":\"\\\"items\\\":[\", \"metadata\":{\"resourceVersion\":\"7\","
    "\"items\":[1,2]},\n \"items\" : [ {\"n\":\"a]}\",\"items\":[{}]} ,{\"n\":\"b\"} ], \"z\":1}";

std::vector<std::string> TypesOf(const std::string& stream, std::size_t piece) {
  std::vector<std::string> types;
  JsonFrames frames(
      [&](Json value) -> Status {
        types.push_back(value["type"]);
        return {};
      },
      1000);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const Status taken = frames.Take(std::string_view(stream).substr(at, piece));
    EXPECT_TRUE(taken) << taken.error().message;
  }
  EXPECT_FALSE(frames.Cut());
  return types;
}

TEST(WatchFrames, AreTheSameWhereverTheStreamIsSplit) {
  for (std::size_t piece = 1; piece <= std::string(kStream).size(); ++piece) {
    SCOPED_TRACE(piece);
    EXPECT_THAT(TypesOf(kStream, piece), ElementsAre("ADDED", "BOOKMARK", "DELETED"));
  }
}

TEST(WatchFrames, KnowThatTheyWereCut) {
  JsonFrames frames([](Json) -> Status { return {}; }, 1000);
  ASSERT_TRUE(frames.Take("{\"type\":\"ADD"));
  EXPECT_TRUE(frames.Cut());
}

TEST(WatchFrames, RefuseWhatIsNoObject) {
  for (const char* bytes : {"<html>", "[1]", "null", "{\"a\":}"}) {
    SCOPED_TRACE(bytes);
    JsonFrames frames([](Json) -> Status { return {}; }, 1000);
    const Status taken = frames.Take(bytes);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().reason, "BadAnswer");
  }
}

TEST(WatchFrames, HoldNoMoreThanTheirLimit) {
  JsonFrames frames([](Json) -> Status { return {}; }, 20);
  EXPECT_FALSE(frames.Take("{\"a\":\"" + std::string(100, 'x')));
}

TEST(WatchFrames, EndWithTheSinksError) {
  JsonFrames frames([](Json) -> Status { return Terminal("Enough", ""); }, 100);
  EXPECT_EQ(frames.Take("{}").error().reason, "Enough");
}

TEST(ListFrames, GiveEachItemWhereverTheBodyIsSplit) {
  const std::string list = kList;
  for (std::size_t piece = 1; piece <= list.size(); ++piece) {
    SCOPED_TRACE(piece);
    std::vector<std::string> names;
    ListFrames frames([&](Json item) { names.push_back(item["n"]); });
    for (std::size_t at = 0; at < list.size(); at += piece)
      ASSERT_TRUE(frames.Take(std::string_view(list).substr(at, piece)));
    EXPECT_THAT(names, ElementsAre("a]}", "b"));
    const auto envelope = frames.Finish();
    ASSERT_TRUE(envelope);
    EXPECT_EQ((*envelope)["metadata"]["resourceVersion"], "7");
    EXPECT_EQ((*envelope)["items"], Json::array());
    EXPECT_EQ((*envelope)["z"], 1);
  }
}

TEST(ListFrames, EmptyAndNullListsHaveNoItems) {
  for (const char* body : {R"({"items":[],"metadata":{}})", R"({"items":null})", R"({})"}) {
    SCOPED_TRACE(body);
    int items = 0;
    ListFrames frames([&](Json) { ++items; });
    ASSERT_TRUE(frames.Take(body));
    EXPECT_TRUE(frames.Finish());
    EXPECT_EQ(items, 0);
  }
}

TEST(ListFrames, HoldNoMoreThanTheirLimit) {
  ListFrames frames([](Json) {}, 20);
  ASSERT_TRUE(frames.Take(R"({"items":[{"n":"short"},{"n":"short"})"));
  EXPECT_EQ(frames.Take(",{\"n\":\"" + std::string(100, 'x')).error().reason, "BadAnswer");
}

TEST(ListFrames, ACutListIsAnError) {
  for (std::size_t length = 0; length < std::string(kList).size(); ++length) {
    ListFrames frames([](Json) {});
    ASSERT_TRUE(frames.Take(std::string(kList).substr(0, length)));
    EXPECT_FALSE(frames.Finish()) << length;
  }
}

}  // namespace
}  // namespace etcdrestore
