#include "operator/ports/json_text.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

TEST(JsonText, HalfACharacterOfANodeEndsNothing) {
  EXPECT_EQ(JsonText({{"said", "caf\xc3"}}), "{\"said\":\"caf\xef\xbf\xbd\"}");
  EXPECT_EQ(JsonText({{"said", "caf\xc3\xa9"}}, 1), "{\n \"said\": \"caf\xc3\xa9\"\n}");
}

}  // namespace
}  // namespace etcdrestore
