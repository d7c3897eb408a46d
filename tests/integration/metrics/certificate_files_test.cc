#include "operator/adapters/metrics/certificate_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "operator/base/files.h"
#include "tests/fakes/virtual_clock.h"
#include "tests/support/test_certificates.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::CertificateAndKey;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestCa;

class CertificateFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = ::testing::TempDir() + "pair-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void Put(const CertificateAndKey& pair) const {
    ASSERT_TRUE(WriteFileAtomically(folder + "/tls.crt", pair.certificate));
    ASSERT_TRUE(WriteFileAtomically(folder + "/tls.key", pair.key));
  }
  Result<std::unique_ptr<CertificateFiles>> Open() {
    return CertificateFiles::Open(
        {folder + "/tls.crt", folder + "/tls.key",
         [this](const Status& read) { heard.push_back(read ? "" : read.error().message); }},
        clock);
  }

  std::string folder;
  TestCa ca;
  fakes::VirtualClock clock{RealClock().Now()};
  std::vector<std::string> heard;  ///< of each read: why it was of no use
};

TEST_F(CertificateFilesTest, ANewPairIsTakenTenSecondsLaterAndNoFileIsReadBefore) {
  Put(ca.Issue("DNS:one"));
  const auto files = std::move(Open()).value();
  const auto first = files->Current();
  Put(ca.Issue("DNS:two"));
  clock.Advance(9999ms);
  EXPECT_EQ(files->Current(), first);
  EXPECT_THAT(heard, ElementsAre(""));
  clock.Advance(1ms);
  EXPECT_NE(files->Current(), first);
  EXPECT_THAT(heard, ElementsAre("", ""));
  const auto second = files->Current();
  clock.Advance(10s);
  EXPECT_EQ(files->Current(), second) << "the same files are the same pair";
  EXPECT_THAT(heard, ElementsAre("", "", ""));
}

TEST_F(CertificateFilesTest, OfABrokenNewPairTheOldOneIsKeptUntilItIsMended) {
  const auto good = ca.Issue("DNS:one");
  const auto other = ca.Issue("DNS:two");
  const std::pair<CertificateAndKey, const char*> broken[] = {
      {{other.certificate, good.key}, "the private key is not that of the certificate"},
      {{"", ""}, "no certificate in PEM"},
      {ca.Issue("DNS:old", -7200, -3600), "the certificate expired at"},
      {ca.Issue("DNS:new", 3600, 7200), "the certificate is good from"}};
  Put(good);
  const auto files = std::move(Open()).value();
  auto kept = files->Current();
  for (const auto& [pair, why] : broken) {
    SCOPED_TRACE(why);
    Put(pair);
    heard.clear();
    clock.Advance(10s);
    EXPECT_EQ(files->Current(), kept);
    clock.Advance(10s);
    EXPECT_EQ(files->Current(), kept);
    EXPECT_THAT(heard, ElementsAre(HasSubstr(why), HasSubstr(why))) << "it is told until mended";
    EXPECT_THAT(heard.front(), HasSubstr(folder + "/tls.crt"));
  }
  std::filesystem::remove(folder + "/tls.key");
  clock.Advance(10s);
  EXPECT_EQ(files->Current(), kept);
  EXPECT_THAT(heard.back(), HasSubstr("open " + folder + "/tls.key"));
  Put(other);
  clock.Advance(10s);
  EXPECT_NE(files->Current(), kept);
  EXPECT_EQ(heard.back(), "");
}

TEST_F(CertificateFilesTest, APairThatIsNotYetGoodIsTakenWhenItsTimeComes) {
  Put(ca.Issue("DNS:one"));
  const auto files = std::move(Open()).value();
  const auto first = files->Current();
  Put(ca.Issue("DNS:two", 3600, 7200));
  clock.Advance(10s);
  EXPECT_EQ(files->Current(), first);
  clock.Advance(1h);
  EXPECT_NE(files->Current(), first);
}

TEST_F(CertificateFilesTest, WithoutAPairAtTheBeginningThereIsNone) {
  const auto missing = Open();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "FileMissing");
  Put({ca.Issue("DNS:one").certificate, ca.Issue("DNS:two").key});
  const auto broken = Open();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().reason, "BadCertificate");
  EXPECT_EQ(heard.size(), 2U);
}

TEST_F(CertificateFilesTest, AnExpiredPairAtTheBeginningIsBetterThanNone) {
  Put(ca.Issue("DNS:one", -7200, -3600));
  const auto files = Open();
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_NE((*files)->Current(), nullptr);
  EXPECT_THAT(heard, ElementsAre(HasSubstr("the certificate expired at")));
}

}  // namespace
}  // namespace etcdrestore
