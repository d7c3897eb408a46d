#include "operator/adapters/http/s3_xml.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

const std::string kObject =
    "<Contents><Key>a%2Bb+c%25</Key><LastModified>2026-11-22T03:00:00.123Z</LastModified>"
    "<ETag>&quot;x&quot;</ETag><Size>12</Size><Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>"
    "<StorageClass>STANDARD</StorageClass></Contents>";

std::string Page(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         inside + "</ListBucketResult>";
}

TEST(ParseListPage, ReadsObjectsAndDecodesTheirKeys) {
  const auto page =
      ParseListPage(Page("<Name>b</Name><Prefix/><KeyCount>1</KeyCount>"
                         "<EncodingType>url</EncodingType><IsTruncated>true"
                         "</IsTruncated><NextContinuationToken>1/+=&amp;"
                         "</NextContinuationToken>" +
                         kObject));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a+b c%");
  EXPECT_EQ(page->objects[0].size, 12U);
  EXPECT_EQ(FormatTime(page->objects[0].modified), "2026-11-22T03:00:00Z");
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next_token, "1/+=&");
}

TEST(ParseListPage, TakesKeysAsTheyAreWithoutEncodingType) {
  const auto page = ParseListPage(Page("<IsTruncated>false</IsTruncated>" + kObject));
  EXPECT_EQ(page->objects.at(0).key, "a%2Bb+c%25");
  EXPECT_FALSE(page->truncated);
}

TEST(ParseListPage, RefusesWhatIsIncomplete) {
  const std::string done = "<IsTruncated>false</IsTruncated>";
  const std::string cases[] = {
      "",
      "<html><body>login</body></html>",
      "<Error><Code>x</Code></Error>",
      Page(""),
      Page("<IsTruncated>perhaps</IsTruncated>"),
      Page("<IsTruncated>true</IsTruncated>"),
      Page(done + "<Contents><Size>1</Size></Contents>"),
      Page(done + "<Contents><Key>k</Key></Contents>"),
      Page(done + "<Contents><Key>k</Key><Size>1</Size></Contents>"),
      Page(done + "<Contents><Key>k</Key><Size>-1</Size><LastModified>2026-11-22T03:00:00Z"
                  "</LastModified></Contents>"),
      Page(done + "<EncodingType>url</EncodingType><Contents><Key>%</Key><Size>1</Size>"
                  "<LastModified>2026-11-22T03:00:00Z</LastModified></Contents>"),
  };
  for (const std::string& body : cases) {
    const auto page = ParseListPage(body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().reason, "BadXml");
  }
}

TEST(ParseListPage, BoundsTheObjectsOfOnePage) {
  std::string many = "<IsTruncated>false</IsTruncated>";
  for (int i = 0; i < 1000; ++i) many += kObject;
  EXPECT_EQ(ParseListPage(Page(many)).value().objects.size(), 1000U);
  EXPECT_FALSE(ParseListPage(Page(many + kObject)));
}

TEST(ParseS3Error, ReadsTheFieldsThatAreThere) {
  const auto error = ParseS3Error(
      "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>a &amp; b</Message>"
      "<ServerTime>2026-11-22T03:00:00Z</ServerTime><Region>eu-1</Region></Error>");
  EXPECT_EQ(error.code, "RequestTimeTooSkewed");
  EXPECT_EQ(error.message, "a & b");
  EXPECT_EQ(error.server_time, "2026-11-22T03:00:00Z");
  EXPECT_EQ(error.region, "eu-1");
  EXPECT_EQ(error.endpoint, "");
}

TEST(ParseS3Error, TakesOtherPagesForNothing) {
  for (const char* body : {"", "<html><Code>x</Code></html>", "gateway timeout", "<Error><Code>"})
    EXPECT_EQ(ParseS3Error(body).code, "") << body;
}

}  // namespace
}  // namespace etcdrestore
