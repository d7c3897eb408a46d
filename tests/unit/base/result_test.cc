#include "operator/base/result.h"

#include <gtest/gtest.h>

#include "operator/base/call.h"
#include "operator/base/sha256.h"
#include "operator/ports/node.h"

namespace etcdrestore {
namespace {
using namespace std::chrono_literals;

TEST(Result, AddsContextToErrorsOnly) {
  EXPECT_EQ(Result<int>(3).In("count").value(), 3);
  const Result<int> failed = Result<int>(Terminal("NotFound", "no such file")).In("open x");
  EXPECT_EQ(failed.error(), Terminal("NotFound", "open x: no such file"));
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  const Result<int> failed(Terminal("NotFound", "nothing"));
  EXPECT_DEATH((void)failed.value(), "NotFound");
  const Result<int> fine(1);
  EXPECT_DEATH((void)fine.error(), "broken invariant");
}

TEST(Call, AChildCanOnlyShrinkItsParentsTime) {
  const SteadyTime now{};
  Call parent;
  parent.deadline = now + 10s;
  EXPECT_EQ(parent.Within(3s, now).deadline, now + 3s);
  EXPECT_EQ(parent.Within(1h, now).deadline, now + 10s);
}

TEST(Call, IsOverWhenStoppedOrLate) {
  Call call;
  EXPECT_FALSE(call.Over());
  std::stop_source source;
  call.stop = source.get_token();
  source.request_stop();
  EXPECT_EQ(call.Over()->reason, "Interrupted");
  Call late;
  late.deadline = SteadyTime{};
  EXPECT_EQ(late.Over()->reason, "DeadlineExceeded");
}

TEST(Sha256, MatchesTheStandardsVector) {
  EXPECT_EQ(HexSha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(BytesOf, GivesEveryByteOnceThenEnds) {
  ByteSource source = BytesOf("hello");
  char buffer[3];
  std::string all;
  while (const std::size_t count = *source(buffer)) all.append(buffer, count);
  EXPECT_EQ(all, "hello");
  EXPECT_EQ(*source(buffer), 0U);
}

}  // namespace
}  // namespace etcdrestore
