#include "operator/adapters/metrics/http_question.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

std::string BearerIn(const std::string& headers) {
  const auto question = ParseQuestion("GET /metrics HTTP/1.1\r\n" + headers + "\r\n");
  EXPECT_TRUE(question) << headers;
  return question ? question->bearer.Reveal() : "?";
}

TEST(HttpQuestion, HasPathAndQuery) {
  const auto question = ParseQuestion("GET /metrics?name=a?b HTTP/1.1\r\nHost: one\r\n\r\n");
  ASSERT_TRUE(question);
  EXPECT_EQ(question->path, "/metrics");
  EXPECT_EQ(question->query, "name=a?b");
  EXPECT_TRUE(question->bearer.empty());
  EXPECT_EQ(ParseQuestion("GET / HTTP/1.1\r\n\r\n")->query, "");
}

TEST(HttpQuestion, IsAGetOrNone) {
  for (const char* head : {"POST /metrics HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n",
                           "GET /metrics\r\n\r\n", "GET\r\n\r\n", "\r\n\r\n", "\x16\x03\x01"})
    EXPECT_FALSE(ParseQuestion(head)) << head;
}

TEST(HttpQuestion, TakesTheTokenHoweverTheHeaderIsSpelled) {
  EXPECT_EQ(BearerIn("Authorization: Bearer abc.def\r\n"), "abc.def");
  EXPECT_EQ(BearerIn("Host: x\r\nAUTHORIZATION:bearer   abc \r\n"), "abc");
}

TEST(HttpQuestion, TakesNoTokenFromAnythingElse) {
  for (const char* headers :
       {"", "Authorization: Basic abc\r\n", "Authorization: Bearerabc\r\n", "Authorization\r\n",
        "Authorization:\r\n", "Authorization: Bearer\r\n", "X-Authorization: Bearer abc\r\n",
        "Authorization: Basic abc\r\nAuthorization: Bearer abc\r\n"})
    EXPECT_EQ(BearerIn(headers), "") << headers;
}

}  // namespace
}  // namespace etcdrestore
