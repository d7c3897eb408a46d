#include "operator/kubernetes/operator_log.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/fakes/virtual_clock.h"

namespace etcdrestore {
namespace {

struct InMemory {
  InMemory() : stream(::open_memstream(&text, &size)) {}
  ~InMemory() {
    std::fclose(stream);
    std::free(text);
  }
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* stream;
};

std::string Logged(const LogOptions& options, LogLevel level = LogLevel::kWarning,
                   const LogFields& fields = {{"key", "a\nb"}}) {
  const fakes::VirtualClock clock(*ParseTime("2026-11-22T04:00:00.0625Z"));
  InMemory memory;
  MakeOperatorLogger(memory.stream, options, clock)->Write(level, "Trying again", fields);
  return memory.text == nullptr ? "" : std::string(memory.text, memory.size);
}

TEST(OperatorLog, IsOneJsonObjectALineUnlessAskedOtherwise) {
  EXPECT_EQ(Logged({}),
            R"({"ts":"2026-11-22T04:00:00Z","level":"warning","msg":"Trying again","key":"a\nb"})"
            "\n");
}

TEST(OperatorLog, OnAConsoleTheMessageStandsBeforeTheFields) {
  const LogOptions console{.encoder = LogEncoder::kConsole};
  EXPECT_EQ(Logged(console), "2026-11-22T04:00:00Z\tWARNING\tTrying again\t{\"key\":\"a\\nb\"}\n");
  EXPECT_EQ(Logged(console, LogLevel::kError, {}), "2026-11-22T04:00:00Z\tERROR\tTrying again\n");
}

TEST(OperatorLog, WritesTheTimeAsItIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"epoch", "1795320000.0625"},
      {"millis", "1795320000062.5"},
      {"nano", "1795320000062500000"},
      {"nanos", "1795320000062500000"},
      {"iso8601", "2026-11-22T04:00:00.062Z"},
      {"rfc3339", "2026-11-22T04:00:00Z"},
      {"rfc3339nano", "2026-11-22T04:00:00.062500000Z"}};
  for (const auto& [name, text] : cases) {
    const auto time = LogTimeOf(name);
    ASSERT_TRUE(time) << name;
    const std::string line = Logged({.encoder = LogEncoder::kConsole, .time = *time});
    EXPECT_EQ(line.substr(0, line.find('\t')), text) << name;
  }
  EXPECT_EQ(LogTimeOf("unix"), std::nullopt);
}

TEST(OperatorLog, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(Logged({.least = LogLevel::kError}), "");
}

}  // namespace
}  // namespace etcdrestore
