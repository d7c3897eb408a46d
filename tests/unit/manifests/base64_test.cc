#include "operator/base/base64.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

TEST(Base64, ReadsWhatKubernetesWrites) {
  EXPECT_EQ(DecodeBase64(""), "");
  EXPECT_EQ(DecodeBase64("Zg=="), "f");
  EXPECT_EQ(DecodeBase64("Zm8="), "fo");
  EXPECT_EQ(DecodeBase64("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64("Zm9v\nYmFy\r\n"), "foobar");
  EXPECT_EQ(DecodeBase64("AP/+"), std::string("\x00\xFF\xFE", 3));
}

TEST(Base64, RefusesTheRest) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zm9", "=", "====", "Zg==Zg==", "Zm 9v", "Zm9-", "Z===", "plain text"}) {
    EXPECT_FALSE(DecodeBase64(text)) << text;
  }
}

}  // namespace
}  // namespace etcdrestore
