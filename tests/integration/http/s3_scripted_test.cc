#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http/stores.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HttpTestServer;
using testing::Into;
using testing::NoWait;
using testing::TestReply;
using testing::TestRequest;

S3Options Options(const HttpTestServer& server) {
  S3Options options;
  options.endpoint = server.Url();
  options.region = "eu-1";
  options.bucket = "backups";
  options.force_path_style = true;
  options.credentials = {"AKID", Secret("secret-canary"), Secret("token")};
  return options;
}
std::unique_ptr<S3Store> Store(S3Options options, Retry retry = NoWait()) {
  return std::move(S3Store::Open(std::move(options), testing::TheClock(), std::move(retry)))
      .value();
}

std::string Page(const std::string& keys, const std::string& token) {
  return "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><EncodingType>url</EncodingType>" +
         keys + "<IsTruncated>" + (token.empty() ? "false" : "true") + "</IsTruncated>" +
         (token.empty() ? "" : "<NextContinuationToken>" + token + "</NextContinuationToken>") +
         "</ListBucketResult>";
}
std::string Entry(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><Size>7</Size><LastModified>2026-11-22T03:00:00.000Z</LastModified></Contents>";
}

TEST(S3Store, WalksThePagesWithTheirTokens) {
  HttpTestServer server([](const TestRequest& r) {
    if (r.target.find("continuation-token=t%2F1%2B%3D") != std::string::npos)
      return TestReply{.body = Page(Entry("a%2Bb"), "")};
    return TestReply{.body = Page(Entry("z+z"), "t/1+=")};
  });
  const auto list = Store(Options(server))->List({}, "p/+");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).key, "a+b");
  EXPECT_EQ(list->at(1).key, "z z");
  EXPECT_EQ(server.requests().at(0).target,
            "/backups?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F%2B");
}

TEST(S3Store, DoesNotWalkInCircles) {
  HttpTestServer server(
      [](const TestRequest&) { return TestReply{.body = Page(Entry("a"), "same")}; });
  EXPECT_THAT(Store(Options(server))->List({}, "").error().message, HasSubstr("does not advance"));
}

TEST(S3Store, RetriesWhatMayPassAndSignsAnew) {
  int count = 0;
  HttpTestServer server([&](const TestRequest& r) {
    ++count;
    if (count == 1)
      return TestReply{.status = 503,
                       .headers = {{"Retry-After", "3"}},
                       .body = "<Error><Code>SlowDown</Code></Error>"};
    if (count == 2) return TestReply{.status = 500};
    return testing::ServeRange(r, "data");
  });
  std::vector<Duration> pauses;
  std::string got;
  const auto info = Store(Options(server), NoWait(&pauses))->Get({}, "k", Into(got));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(got, "data");
  ASSERT_EQ(pauses.size(), 2U);
  EXPECT_EQ(pauses[0], 3s);
  EXPECT_LT(pauses[1], 1s);
  for (const TestRequest& request : server.requests()) {
    EXPECT_THAT(request.headers.at("authorization"), HasSubstr("/eu-1/s3/aws4_request"));
    EXPECT_EQ(request.headers.at("x-amz-security-token"), "token");
  }
}

TEST(S3Store, ThrottlingThatDoesNotEndIsThrottled) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.status = 429, .body = "<Error><Code>TooManyRequests</Code></Error>"};
  });
  const Error error = Store(Options(server))->List({}, "").error();
  EXPECT_EQ(error.reason, "Throttled");
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_EQ(server.requests().size(), 6U);
}

TEST(S3Store, NamesTheRightRegionAndDoesNotFollow) {
  const TestReply replies[] = {
      {.status = 301,
       .headers = {{"Location", "http://127.0.0.1:1/"}, {"x-amz-bucket-region", "ap-2"}},
       .body = "<Error><Code>PermanentRedirect</Code><Endpoint>e</Endpoint></Error>"},
      {.status = 400,
       .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-2</Region></Error>"}};
  for (const TestReply& reply : replies) {
    HttpTestServer server([&](const TestRequest&) { return reply; });
    const Error error = Store(Options(server))->Head({}, "k").error();
    EXPECT_EQ(error.reason, "BadRequest");
    EXPECT_THAT(error.message, HasSubstr("in region ap-2, asked was eu-1; set region: ap-2"));
    EXPECT_EQ(server.requests().size(), 1U);
  }
}

TEST(S3Store, RefusesAnAnswerThatIsNoList) {
  for (const char* body : {"", "<html></html>", "{}", "<ListBucketResult>"}) {
    HttpTestServer server([&](const TestRequest&) { return TestReply{.body = body}; });
    EXPECT_EQ(Store(Options(server))->List({}, "").error().reason, "BadXml") << body;
  }
}

TEST(S3Store, LeavesPublicBucketsUnsigned) {
  HttpTestServer server([](const TestRequest& r) { return testing::ServeRange(r, "x"); });
  S3Options options = Options(server);
  options.credentials = {};
  EXPECT_TRUE(Store(options)->Head({}, "k"));
  EXPECT_EQ(server.requests().at(0).headers.count("authorization"), 0U);
  EXPECT_EQ(Store(options)->Presign("a b", 60s, {}).value().Reveal(), server.Url("/backups/a%20b"));
}

TEST(S3Store, AddressesBucketsByHostOrByPath) {
  const struct {
    const char* endpoint;
    const char* bucket;
    const char* region;
    bool path_style;
    const char* url;
  } cases[] = {
      {"", "b-1", "", false, "https://b-1.s3.us-east-1.amazonaws.com/k"},
      {"s3.amazonaws.com", "b-1", "eu-west-1", false, "https://b-1.s3.eu-west-1.amazonaws.com/k"},
      {"", "b-1", "cn-north-1", false, "https://b-1.s3.cn-north-1.amazonaws.com.cn/k"},
      {"https://minio.test:9000/", "b-1", "", true, "https://minio.test:9000/b-1/k"},
      {"https://minio.test:443", "b-1", "", false, "https://b-1.minio.test/k"},
      {"https://minio.test", "b.dots", "", false, "https://minio.test/b.dots/k"},
      {"http://10.0.0.1:9000", "b-1", "", false, "http://10.0.0.1:9000/b-1/k"},
      {"https://gw.test/s3", "b-1", "", true, "https://gw.test/s3/b-1/k"},
  };
  for (const auto& [endpoint, bucket, region, path_style, url] : cases) {
    SCOPED_TRACE(url);
    S3Options options;
    options.endpoint = endpoint;
    options.bucket = bucket;
    options.region = region;
    options.force_path_style = path_style;
    EXPECT_EQ(Store(options)->Presign("k", 60s, {}).value().Reveal(), url);
  }
}

TEST(S3Store, RefusesOptionsThatCannotWork) {
  S3Options fine;
  fine.bucket = "backups";
  EXPECT_TRUE(S3Store::Open(fine, testing::TheClock()));
  const auto refused = [&](auto change) {
    S3Options options = fine;
    change(options);
    const auto store = S3Store::Open(options, testing::TheClock());
    return store ? std::string("opened") : store.error().reason;
  };
  EXPECT_EQ(refused([](S3Options& o) { o.bucket = "a/b"; }), "BadRequest");
  EXPECT_EQ(refused([](S3Options& o) { o.bucket = ""; }), "BadRequest");
  EXPECT_EQ(refused([](S3Options& o) { o.endpoint = "ftp://x"; }), "BadRequest");
  EXPECT_EQ(refused([](S3Options& o) { o.endpoint = "https://x/?a"; }), "BadRequest");
  EXPECT_EQ(refused([](S3Options& o) { o.credentials.access_key = "only"; }), "BadRequest");
  EXPECT_EQ(refused([](S3Options& o) { o.http.tls.ca_pem = "junk"; }), "BadCertificate");
}

TEST(S3Store, RefusesAnObjectWithoutAName) {
  HttpTestServer server([](const TestRequest&) { return TestReply{}; });
  std::string got;
  EXPECT_EQ(Store(Options(server))->Head({}, "").error().reason, "BadRequest");
  EXPECT_EQ(Store(Options(server))->Get({}, "", Into(got)).error().reason, "BadRequest");
  EXPECT_TRUE(server.requests().empty());
}

TEST(S3Store, DescribesItselfWithoutSecrets) {
  HttpTestServer server([](const TestRequest&) { return TestReply{}; });
  EXPECT_EQ(Store(Options(server))->Describe(), "s3 bucket backups at " + server.Url());
}

}  // namespace
}  // namespace etcdrestore
