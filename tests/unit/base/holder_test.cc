#include "operator/base/holder.h"

#include <gtest/gtest.h>

namespace etcdrestore {
namespace {

TEST(Holder, TwoPiecesOfWorkOfOneProcessKeepEachOtherOut) {
  EXPECT_NE(OwnHolderId("r1"), OwnHolderId("r2"));
  EXPECT_EQ(OwnHolderId("r1"), OwnHolderId("r1"));
  EXPECT_EQ(OwnHolderId("r1").find_first_of(" |"), std::string::npos);
}

TEST(Holder, AProcessThatLivesIsNotDeadWhateverItWorksOn) {
  EXPECT_FALSE(IsDeadHere(OwnHolderId("r1")));
  EXPECT_FALSE(IsDeadHere(OwnHolderId("a.name-with.dots")));
}

TEST(Holder, AnotherStartOfTheSamePidIsDead) {
  std::string holder = OwnHolderId("r1");
  const std::size_t work = holder.rfind('.');
  holder.insert(work, "9");
  EXPECT_TRUE(IsDeadHere(holder));
}

TEST(Holder, NothingIsKnownOfOtherPlaces) {
  EXPECT_FALSE(IsDeadHere("00000000.1.2.3.r1"));
  EXPECT_FALSE(IsDeadHere(""));
}

}  // namespace
}  // namespace etcdrestore
