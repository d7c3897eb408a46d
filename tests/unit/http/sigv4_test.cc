#include "operator/adapters/http/sigv4.h"

#include <gtest/gtest.h>

#include "operator/base/sha256.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;

// The credentials and answers of AWS's published examples.
AwsCredentials S3Docs() {
  return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret()};
}
AwsCredentials TestSuite() {
  return {"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
}

SigningScope S3Scope() { return {"us-east-1", "s3", *ParseTime("2013-05-24T00:00:00Z")}; }
SigningScope SuiteScope() { return {"us-east-1", "service", *ParseTime("2015-08-30T12:36:00Z")}; }

std::string Value(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

std::string SignatureOf(const HttpHeaders& headers) {
  const std::string authorization = Value(headers, "Authorization");
  return authorization.substr(authorization.find("Signature=") + 10);
}

struct Golden {
  const char* name;
  SignableRequest request;
  const char* signature;
};

SignableRequest S3Request(const std::string& method, const std::string& path, HttpHeaders query,
                          HttpHeaders headers, const std::string& body) {
  return {
      method,         "examplebucket.s3.amazonaws.com", path, std::move(query), std::move(headers),
      HexSha256(body)};
}

TEST(SigV4, MatchesTheExamplesOfTheS3Reference) {
  const Golden cases[] = {
      {"GET object with Range", S3Request("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, ""),
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"PUT object with a $ in its key",
       S3Request("PUT", "/test$file.text", {},
                 {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                 "Welcome to Amazon S3."),
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET bucket lifecycle: a parameter without a value",
       S3Request("GET", "/", {{"lifecycle", ""}}, {}, ""),
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"list objects: unsorted query",
       S3Request("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, ""),
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const Golden& golden : cases) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(SignatureOf(SignHeaders(S3Docs(), S3Scope(), golden.request)), golden.signature);
  }
}

TEST(SigV4, MatchesThePresignedExampleOfTheS3Reference) {
  const auto query =
      PresignQuery(S3Docs(), S3Scope(), S3Request("GET", "/test.txt", {}, {}, ""), 86400s);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->Reveal(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-"
            "SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

SignableRequest SuiteRequest(const std::string& path, HttpHeaders query,
                             const std::string& method = "GET") {
  return {method, "example.amazonaws.com", path, std::move(query), {}, std::string(kEmptyPayload)};
}

TEST(SigV4, MatchesTheVectorsOfTheTestSuite) {
  const Golden cases[] = {
      {"get-vanilla", SuiteRequest("/", {}),
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"post-vanilla", SuiteRequest("/", {}, "POST"),
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"get-vanilla-query-order-key-case",
       SuiteRequest("/", {{"Param2", "value2"}, {"Param1", "value1"}}),
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-empty-query-key", SuiteRequest("/", {{"Param1", "value1"}}),
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-utf8-query", SuiteRequest("/", {{"ሴ", "bar"}}),
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-utf8", SuiteRequest("/ሴ", {}),
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
  };
  for (const Golden& golden : cases) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(SignatureOf(SignHeaders(TestSuite(), SuiteScope(), golden.request)),
              golden.signature);
  }
}

TEST(SigV4, SignsTheSessionTokenAsTheTestSuiteDoes) {
  AwsCredentials credentials = TestSuite();
  credentials.session_token = Secret(
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpS"
      "PfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDY"
      "wT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqK"
      "mlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==");
  const HttpHeaders headers = SignHeaders(credentials, SuiteScope(), SuiteRequest("/", {}, "POST"));
  EXPECT_EQ(SignatureOf(headers),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
  EXPECT_EQ(Value(headers, "x-amz-security-token"), credentials.session_token.Reveal());
}

TEST(SigV4, EncodesHostileKeysOnceAndOnlyOnce) {
  const struct {
    const char* key;
    const char* path;
  } cases[] = {
      {"/b/2026-11-22T03:00:00+02:00_etcd.zip", "/b/2026-11-22T03%3A00%3A00%2B02%3A00_etcd.zip"},
      {"/b/a b", "/b/a%20b"},
      {"/b/100%25", "/b/100%2525"},
      {"/b/k=v(1)!*'&$,;@", "/b/k%3Dv%281%29%21%2A%27%26%24%2C%3B%40"},
      {"/b/ünï/日", "/b/%C3%BCn%C3%AF/%E6%97%A5"},
      {"/b//../x", "/b//../x"},
      {"/b/~-._", "/b/~-._"},
  };
  for (const auto& [key, path] : cases) {
    SCOPED_TRACE(key);
    const std::string canonical = CanonicalRequest(S3Request("GET", key, {}, {}, ""));
    EXPECT_TRUE(canonical.starts_with(std::string("GET\n") + path + "\n\n")) << canonical;
  }
}

TEST(SigV4, SortsTheQueryByItsEncodedForm) {
  EXPECT_EQ(CanonicalQuery({{"b", "2"}, {"a", "z"}, {"a", "1"}, {"A", "é /"}, {"e", ""}}),
            "A=%C3%A9%20%2F&a=1&a=z&b=2&e=");
}

TEST(SigV4, FoldsHeaderValuesAndJoinsRepeatedOnes) {
  const std::string canonical = CanonicalRequest(
      S3Request("GET", "/", {}, {{"X-B", "  a   b "}, {"x-a", "1"}, {"X-B", "c"}}, ""));
  EXPECT_NE(canonical.find("\nx-a:1\nx-b:a b,c\n\nhost;x-a;x-b\n"), std::string::npos) << canonical;
}

TEST(SigV4, SignsTheHostWithItsPort) {
  SignableRequest with_port = S3Request("GET", "/x", {}, {}, "");
  with_port.host = "127.0.0.1:7070";
  EXPECT_NE(CanonicalRequest(with_port).find("\nhost:127.0.0.1:7070\n"), std::string::npos);
}

TEST(SigV4, PutsTheTokenIntoPresignedQueriesAndTheSecretNowhere) {
  AwsCredentials credentials = S3Docs();
  credentials.session_token = Secret("to/ken=");
  const auto query = PresignQuery(credentials, S3Scope(), SuiteRequest("/k", {}), 60s);
  ASSERT_TRUE(query);
  EXPECT_NE(query->Reveal().find("X-Amz-Security-Token=to%2Fken%3D&"), std::string::npos);
  EXPECT_EQ(query->Reveal().find("wJalr"), std::string::npos);
}

TEST(SigV4, RefusesValiditiesThatAwsRefuses) {
  for (const std::chrono::seconds validity : {0s, -1s, 604801s}) {
    const auto query = PresignQuery(S3Docs(), S3Scope(), SuiteRequest("/k", {}), validity);
    ASSERT_FALSE(query) << validity.count();
    EXPECT_EQ(query.error().reason, "BadRequest");
  }
  EXPECT_TRUE(PresignQuery(S3Docs(), S3Scope(), SuiteRequest("/k", {}), 604800s));
}

}  // namespace
}  // namespace etcdrestore
