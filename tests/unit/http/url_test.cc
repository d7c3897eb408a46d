#include "operator/adapters/http/url.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

TEST(ParseUrl, SplitsWithoutDecoding) {
  const auto url = ParseUrl("HTTPS://S3.Example.COM:9000/a%20b//c?x=%2B&y#frag");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "s3.example.com");
  EXPECT_EQ(url->port, 9000);
  EXPECT_EQ(url->path, "/a%20b//c");
  EXPECT_EQ(url->query, "x=%2B&y");
  EXPECT_EQ(url->Origin(), "https://s3.example.com:9000");
}

TEST(ParseUrl, LeavesOutTheUsualPortAsTheHostHeaderDoes) {
  EXPECT_EQ(ParseUrl("https://h:443")->Authority(), "h");
  EXPECT_EQ(ParseUrl("http://h:80/")->Authority(), "h");
  EXPECT_EQ(ParseUrl("http://h:443/")->Authority(), "h:443");
  EXPECT_EQ(ParseUrl("http://[::1]:8080/x")->Authority(), "[::1]:8080");
  EXPECT_EQ(ParseUrl("http://[::1]/x")->host, "[::1]");
}

TEST(ParseUrl, RefusesWhatIsNoHttpUrl) {
  for (const char* text : {"", "h", "h:80", "file:///etc/passwd", "gopher://h", "https://",
                           "https:///path", "https://user:secret@h/", "https://h:0", "https://h:x",
                           "https://h:70000", "https://h/a b", "https://h/\n"}) {
    const auto url = ParseUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().reason, "BadRequest");
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos);
  }
}

TEST(RedactUrl, HidesUserAndQueryAndKeepsTheRest) {
  const struct {
    const char* url;
    const char* shown;
  } cases[] = {
      {"https://h/p?X-Amz-Signature=abc", "https://h/p?…"},
      {"https://user:pw@h/p", "https://h/p"},
      {"https://user:p@w@h:1/p?q", "https://h:1/p?…"},
      {"https://h/p@q", "https://h/p@q"},
      {"https://h/p#f?g", "https://h/p?…"},
      {"https://h?token=1", "https://h?…"},
      {"not a url?secret", "not a url?…"},
      {"", ""},
  };
  for (const auto& [url, shown] : cases) EXPECT_EQ(RedactUrl(url), shown) << url;
}

TEST(UriEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(UriEncode("aZ09-._~", false), "aZ09-._~");
  EXPECT_EQ(UriEncode("/a b+c%", true), "/a%20b%2Bc%25");
  EXPECT_EQ(UriEncode("/", false), "%2F");
  EXPECT_EQ(UriEncode(std::string_view("\0\xFF", 2), true), "%00%FF");
}

TEST(UriDecode, UndoesWhatS3Encodes) {
  EXPECT_EQ(UriDecode("a+b%2Bc%c3%BC"), "a b+cü");
  for (const char* text : {"%", "%1", "%zz", "a%2"}) EXPECT_EQ(UriDecode(text), std::nullopt);
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(UriDecode(UriEncode(every, false)), every);
}

}  // namespace
}  // namespace etcdrestore
