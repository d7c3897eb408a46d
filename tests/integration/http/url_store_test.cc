#include "operator/adapters/http/url_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http/stores.h"
#include "tests/support/http_test_server.h"

namespace etcdrestore {
namespace {
using ::testing::HasSubstr;
using testing::HttpTestServer;
using testing::Into;
using ::testing::Not;
using testing::NoWait;
using testing::ServeRange;
using testing::TestReply;
using testing::TestRequest;

std::unique_ptr<UrlStore> Store(const std::string& url) {
  return std::move(UrlStore::Open(Secret(url), {}, testing::TheClock(), NoWait())).value();
}

TEST(UrlStore, IsAStoreOfOneObject) {
  HttpTestServer server([](const TestRequest& r) { return ServeRange(r, "0123456789"); });
  const auto store = Store(server.Url("/dir/2026-11-22T03%3A00%3A00+02_etcd.zip?token=geheim"));
  const auto list = store->List({}, "");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->at(0).key, "2026-11-22T03:00:00+02_etcd.zip");
  EXPECT_EQ(list->at(0).size, 10U);
  EXPECT_TRUE(store->List({}, "2027").value().empty());
  std::string got;
  EXPECT_EQ(store->Get({}, "any key", Into(got)).value().size, 10U);
  EXPECT_EQ(got, "0123456789");
  EXPECT_THAT(store->Describe(), Not(HasSubstr("geheim")));
  EXPECT_THAT(store->Presign("", std::chrono::seconds(1), {}).value().Reveal(),
              HasSubstr("geheim"));
}

TEST(UrlStore, RefusesAWebPage) {
  HttpTestServer server([](const TestRequest&) {
    return TestReply{.headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = "<html>"};
  });
  std::string got;
  for (const auto& info :
       {Store(server.Url("/x"))->Get({}, "", Into(got)), Store(server.Url("/x"))->Head({}, "")}) {
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().kind, ErrorKind::kTerminal);
    EXPECT_THAT(info.error().message, HasSubstr("this is a web page, not a snapshot"));
  }
  EXPECT_EQ(got, "");
}

TEST(UrlStore, LooksWithoutFetchingTheWholeObject) {
  const std::string large = testing::Pattern(50'000'000);
  HttpTestServer server([&](const TestRequest&) { return TestReply{.body = large}; });
  EXPECT_EQ(Store(server.Url("/x"))->Head({}, "").value().size, large.size());
}

TEST(UrlStore, FollowsRedirects) {
  HttpTestServer server([](const TestRequest& r) {
    if (r.target == "/real") return ServeRange(r, "data");
    return TestReply{.status = 302, .headers = {{"Location", "/real"}}, .body = "moved"};
  });
  std::string got;
  ASSERT_TRUE(Store(server.Url("/alias"))->Get({}, "", Into(got)));
  EXPECT_EQ(got, "data");
}

TEST(UrlStore, TellsRefusalsApart) {
  const struct {
    int status;
    const char* reason;
    ErrorKind kind;
  } cases[] = {
      {401, "AccessDenied", ErrorKind::kTerminal}, {403, "AccessDenied", ErrorKind::kTerminal},
      {404, "NotFound", ErrorKind::kTerminal},     {410, "NotFound", ErrorKind::kTerminal},
      {400, "BadRequest", ErrorKind::kTerminal},   {408, "Timeout", ErrorKind::kTransient},
      {429, "Throttled", ErrorKind::kTransient},   {500, "Unavailable", ErrorKind::kTransient},
      {503, "Unavailable", ErrorKind::kTransient}};
  for (const auto& [status, reason, kind] : cases) {
    SCOPED_TRACE(status);
    HttpTestServer server([&](const TestRequest&) { return TestReply{.status = status}; });
    const auto info = Store(server.Url("/x?sig=geheim"))->Head({}, "");
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().reason, reason);
    EXPECT_EQ(info.error().kind, kind);
    EXPECT_THAT(info.error().message, Not(HasSubstr("geheim")));
    EXPECT_EQ(server.requests().size(), kind == ErrorKind::kTerminal ? 1U : 6U);
  }
}

TEST(UrlStore, RefusesAnUnusableUrl) {
  for (const char* url : {"", "file:///etc/passwd", "https://user:pw@h/x", "https:///x", "h/x"}) {
    const auto store = UrlStore::Open(Secret(url), {}, testing::TheClock());
    ASSERT_FALSE(store) << url;
    EXPECT_EQ(store.error().reason, "BadRequest");
    EXPECT_THAT(store.error().message, Not(HasSubstr("pw")));
  }
}

}  // namespace
}  // namespace etcdrestore
