#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "operator/base/sha256.h"
#include "tests/integration/http/stores.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/versitygw.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Into;
using testing::NoWait;
using testing::Versitygw;

const char* const kHostileKeys[] = {
    "2026-11-22T03:00:00Z_etcd.zip",
    "2026-11-22T03:00:00+02:00_etcd.zip",
    "prod/a b/100%/c+d",
    "prod/%2F%20",
    "prod/k=v(1)!*'&$,;@[x]",
    "prod/ünïcode-日本-😀",
    "prod/<xml>&\"quote\"",
    "prod/~-._",
};

class S3OverVersitygw : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = Versitygw::Start();
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return;
    }
    server_ = std::move(*started);
    ASSERT_TRUE(server_->CreateBucket("backups"));
    for (const char* key : kHostileKeys) {
      const Status put = server_->Put("backups", key, Content(key));
      ASSERT_TRUE(put) << put.error().message;
    }
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override { ASSERT_TRUE(server_) << "versitygw did not start: run make deps"; }

  static std::string Content(const std::string& key) { return "content of " + key; }
  static std::unique_ptr<S3Store> Store(S3Options options) {
    return std::move(S3Store::Open(std::move(options), testing::TheClock(), NoWait())).value();
  }
  static std::unique_ptr<Versitygw> server_;
};
std::unique_ptr<Versitygw> S3OverVersitygw::server_;

TEST_F(S3OverVersitygw, ReadsKeysOfEveryKind) {
  const auto store = Store(server_->Options("backups"));
  for (const char* key : kHostileKeys) {
    SCOPED_TRACE(key);
    std::string got;
    const auto info = store->Get({}, key, Into(got));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(got, Content(key));
    const auto head = store->Head({}, key);
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->key, key);
    EXPECT_EQ(head->size, Content(key).size());
    EXPECT_GT(head->modified, *ParseTime("2020-01-01T00:00:00Z"));
    EXPECT_EQ(head->modified, info->modified);
  }
}

TEST_F(S3OverVersitygw, ListsKeysAsTheyAreSorted) {
  const auto list = Store(server_->Options("backups"))->List({}, "");
  ASSERT_TRUE(list) << list.error().message;
  std::vector<std::string> expected(std::begin(kHostileKeys), std::end(kHostileKeys));
  std::sort(expected.begin(), expected.end());
  std::vector<std::string> keys;
  for (const ObjectInfo& object : *list) keys.push_back(object.key);
  EXPECT_EQ(keys, expected);
  EXPECT_EQ(Store(server_->Options("backups"))->List({}, "prod/a b").value().size(), 1U);
  EXPECT_TRUE(Store(server_->Options("backups"))->List({}, "none+such").value().empty());
}

TEST_F(S3OverVersitygw, ListsMoreThanOnePage) {
  ASSERT_TRUE(server_->CreateBucket("many"));
  for (int i = 0; i < 1050; ++i)
    ASSERT_TRUE(server_->Put("many", "s/" + std::to_string(10000 + i) + " +", "x"));
  const auto list = Store(server_->Options("many"))->List({}, "s/");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 1050U);
  EXPECT_EQ(list->front().key, "s/10000 +");
  EXPECT_EQ(list->back().key, "s/11049 +");
}

TEST_F(S3OverVersitygw, TellsAWrongSecretFromAWrongKeyId) {
  S3Options options = server_->Options("backups");
  options.credentials.secret_key = Secret("wrong-secret-canary");
  for (const auto& error :
       {Store(options)->List({}, "").error(), Store(options)->Head({}, "prod/~-._").error()}) {
    EXPECT_EQ(error.reason, "AccessDenied");
    EXPECT_EQ(error.kind, ErrorKind::kTerminal);
    EXPECT_THAT(error.message, HasSubstr("secret access key does not belong"));
    EXPECT_THAT(error.message, ::testing::Not(HasSubstr("canary")));
  }
  options = server_->Options("backups");
  options.credentials.access_key = "nobody";
  EXPECT_THAT(Store(options)->List({}, "").error().message,
              HasSubstr("does not know this access key id"));
}

TEST_F(S3OverVersitygw, NamesAMissingBucketAndAMissingObject) {
  const Error bucket = Store(server_->Options("nowhere"))->List({}, "").error();
  EXPECT_EQ(bucket.reason, "NotFound");
  EXPECT_THAT(bucket.message, HasSubstr("the bucket nowhere does not exist"));
  const Error object = Store(server_->Options("backups"))->Head({}, "gone").error();
  EXPECT_EQ(object.reason, "NotFound");
  EXPECT_THAT(object.message, HasSubstr("there is no such object"));
}

class SkewedClock final : public Clock {
 public:
  [[nodiscard]] SystemTime Now() const override { return RealClock().Now() - 2h; }
  [[nodiscard]] SteadyTime Steady() const override { return RealClock().Steady(); }
};

TEST_F(S3OverVersitygw, NamesAWrongClock) {
  const SkewedClock clock;
  const auto store = S3Store::Open(server_->Options("backups"), clock, NoWait());
  const Error error = (*store)->List({}, "").error();
  EXPECT_EQ(error.reason, "AccessDenied") << error.message;
  EXPECT_THAT(error.message, HasSubstr("the clock of this machine is wrong"));
}

/// Standard output of a plain curl, as a node would run it.
std::string PlainCurl(const std::string& url) {
  const std::string command = "curl -sSg --max-time 20 '" + url + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), count);
  pclose(pipe);
  return out;
}

TEST_F(S3OverVersitygw, PresignsUrlsThatPlainCurlCanFetch) {
  const auto store = Store(server_->Options("backups"));
  for (const char* key : kHostileKeys) {
    SCOPED_TRACE(key);
    const auto url = store->Presign(key, 60s, testing::TheClock().Now());
    ASSERT_TRUE(url);
    EXPECT_EQ(PlainCurl(url->Reveal()), Content(key));
  }
  const auto late = store->Presign(kHostileKeys[0], 60s, testing::TheClock().Now() - 1h);
  EXPECT_THAT(PlainCurl(late->Reveal()), HasSubstr("<Error>"));
}

TEST_F(S3OverVersitygw, APresignedUrlIsAUrlStoreToo) {
  const auto url =
      Store(server_->Options("backups"))->Presign(kHostileKeys[1], 60s, testing::TheClock().Now());
  const auto store = UrlStore::Open(*url, {}, testing::TheClock(), NoWait());
  std::string got;
  const auto info = (*store)->Get({}, "", Into(got));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(got, Content(kHostileKeys[1]));
  EXPECT_EQ((*store)->Head({}, "").value().key, kHostileKeys[1]);
}

TEST_F(S3OverVersitygw, ResumesALargeObjectAcrossBrokenConnections) {
  const std::string body = testing::Pattern(64U << 20U);
  ASSERT_TRUE(server_->Put("backups", "large", body));
  testing::CuttingProxy proxy(server_->port(), {10'000'000, 20'000'000, 100, 30'000'000});
  S3Options options = server_->Options("backups");
  options.endpoint = "http://127.0.0.1:" + std::to_string(proxy.port());
  Sha256 hash;
  std::uint64_t size = 0;
  const auto info = Store(options)->Get({}, "large", [&](std::string_view bytes) -> Status {
    hash.Update(bytes);
    size += bytes.size();
    return {};
  });
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(size, body.size());
  EXPECT_EQ(Hex(hash.Finish()), HexSha256(body));
  EXPECT_GE(proxy.connections(), 5);
}

}  // namespace
}  // namespace etcdrestore
