#include "operator/cli/kube_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Parsed {
  KubeArguments arguments;
  std::string refused;  ///< why, "" when it was taken
  bool is_operator = false;
};

Parsed Parse(const std::string& line) {
  Parsed parsed;
  CLI::App app;
  AddKubeCommands(app, parsed.arguments);
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    parsed.refused = error.what();
  }
  parsed.is_operator = app.got_subcommand("operator");
  return parsed;
}

OperatorOptions Options(const std::string& flags) {
  const Parsed parsed = Parse("operator " + flags);
  EXPECT_EQ(parsed.refused, "") << flags;
  return parsed.arguments.options;
}

struct WatchNamespace {
  explicit WatchNamespace(const char* value) { ::setenv("WATCH_NAMESPACE", value, 1); }
  ~WatchNamespace() { ::unsetenv("WATCH_NAMESPACE"); }
};

TEST(OperatorFlags, TheDefaultsGoTogether) {
  const OperatorOptions options = Options("");
  EXPECT_TRUE(CheckOptions(options));
  EXPECT_EQ(options.log.least, LogLevel::kInfo);
  EXPECT_EQ(options.name_space, "");
}

TEST(OperatorFlags, RunsAtOnceAreFourOrAsManyAsGiven) {
  EXPECT_EQ(Options("").workers, 4);
  EXPECT_EQ(Options("--max-concurrent-reconciles 7").workers, 7);
  for (const char* wrong : {"0", "101", "-1", "many"})
    EXPECT_NE(Parse("operator --max-concurrent-reconciles=" + std::string(wrong)).refused, "");
}

TEST(OperatorFlags, TimesOfTheElectionAreGosDurations) {
  const OperatorOptions options = Options(
      "--leader-elect-lease-duration 1m30s --leader-elect-renew-deadline=60s "
      "--leader-elect-retry-period 500ms");
  EXPECT_EQ(options.lease_duration, 90s);
  EXPECT_EQ(options.renew_deadline, 60s);
  EXPECT_EQ(options.retry_period, 500ms);
  EXPECT_TRUE(CheckOptions(options));
  EXPECT_THAT(Parse("operator --leader-elect-retry-period 5").refused,
              HasSubstr("--leader-elect-retry-period: 5 is no duration: 15s, 1m30s"));
}

void ExpectRefused(const char* flags, const char* why) {
  SCOPED_TRACE(flags);
  const Status checked = CheckOptions(Options(flags));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, "InvalidOptions");
  EXPECT_THAT(checked.error().message, HasSubstr(why));
}

TEST(OperatorFlags, TimesWithWhichTwoCouldLeadAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"--leader-elect-lease-duration 10s", "lease-duration must be longer than"},
      {"--leader-elect-lease-duration 10500ms", "must be whole seconds"},
      {"--leader-elect-lease-duration 0", "must be whole seconds"},
      {"--leader-elect-renew-deadline 15s", "must be longer than --leader-elect-renew-deadline"},
      {"--leader-elect-renew-deadline 2400ms", "renew-deadline must be longer than 1.2 times"},
      {"--leader-elect-retry-period 0", "must be longer than nothing"}};
  for (const auto& [flags, why] : cases) ExpectRefused(flags, why);
  EXPECT_TRUE(CheckOptions(Options("--leader-elect-renew-deadline 2401ms")));
}

TEST(OperatorFlags, WatchNamespaceIsUsedWhenNoFlagSaysOtherwise) {
  const WatchNamespace set("recovery");
  EXPECT_EQ(Options("").name_space, "recovery");
  EXPECT_EQ(Options("--namespace other").name_space, "other");
  const Parsed status = Parse("status one");
  EXPECT_EQ(status.refused, "");
  EXPECT_FALSE(status.is_operator);
  EXPECT_EQ(status.arguments.remote.name_space, "");
}

TEST(OperatorFlags, SeveralNamespacesAreRefusedAndNotReadAsOne) {
  const WatchNamespace set("a,b");
  const Status checked = CheckOptions(Options(""));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("WATCH_NAMESPACE: `a,b` is more than one"));
}

TEST(OperatorFlags, ACertificateForPlainMetricsIsRefused) {
  const OperatorOptions plain = Options("");
  EXPECT_FALSE(plain.metrics_secure);
  const OperatorOptions secure = Options(
      "--metrics-secure --metrics-cert-path /certs --metrics-cert-name a --metrics-cert-key b");
  EXPECT_TRUE(CheckOptions(secure));
  EXPECT_TRUE(secure.metrics_secure);
  EXPECT_EQ(secure.metrics_cert_path, "/certs");
  EXPECT_EQ(secure.metrics_cert_name, "a");
  EXPECT_EQ(secure.metrics_cert_key, "b");
  EXPECT_FALSE(Options("--metrics-secure=false").metrics_secure);
  const Status checked = CheckOptions(Options("--metrics-cert-path /certs"));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("plain http without --metrics-secure"));
}

TEST(OperatorFlags, TheLogLevelIsSpelledInTwoWays) {
  const std::pair<const char*, LogLevel> cases[] = {{"--verbose", LogLevel::kDebug},
                                                    {"--zap-log-level debug", LogLevel::kDebug},
                                                    {"--zap-log-level=2", LogLevel::kDebug},
                                                    {"--zap-log-level info", LogLevel::kInfo},
                                                    {"--zap-log-level warn", LogLevel::kWarning},
                                                    {"--zap-log-level error", LogLevel::kError},
                                                    {"--zap-log-level panic", LogLevel::kError}};
  for (const auto& [flags, level] : cases) EXPECT_EQ(Options(flags).log.least, level) << flags;
  EXPECT_THAT(Parse("operator --zap-log-level loud").refused, HasSubstr("loud is none of debug"));
  EXPECT_NE(Parse("operator --zap-log-level 0").refused, "");
  EXPECT_NE(Parse("operator --verbose --zap-log-level error").refused, "");
}

TEST(OperatorFlags, AreThoseOfEveryKubebuilderOperator) {
  const OperatorOptions options = Options(
      "--leader-elect --health-probe-bind-address=:8081 --metrics-bind-address=:8443 "
      "--metrics-secure=true --enable-http2=false --leader-elect-resource-namespace=ops "
      "--zap-devel=false --zap-encoder=console --zap-time-encoding=iso8601 --zap-log-level=info "
      "--zap-stacktrace-level=error");
  EXPECT_TRUE(CheckOptions(options));
  EXPECT_EQ(options.own_name_space, "ops");
  EXPECT_EQ(options.log.encoder, LogEncoder::kConsole);
  EXPECT_EQ(options.log.time, LogTime::kIso8601);
  EXPECT_TRUE(CheckOptions(Options("--leader-elect=true")));
}

TEST(OperatorFlags, WhatIsNotThereIsRefusedInWordsAndNotPassedOver) {
  const std::pair<const char*, const char*> cases[] = {
      {"--leader-elect=false", "without the Lease two operators could restore one cluster"},
      {"--enable-http2", "through HTTP/1.1 alone"},
      {"--enable-http2=true", "through HTTP/1.1 alone"}};
  for (const auto& [flags, why] : cases) ExpectRefused(flags, why);
}

TEST(OperatorFlags, TheLeaseLiesWhereTheRecordsOfRunsAre) {
  EXPECT_EQ(Options("--operator-namespace a --leader-elect-resource-namespace a").own_name_space,
            "a");
  for (const char* flags : {"--operator-namespace a --leader-elect-resource-namespace b",
                            "--leader-elect-resource-namespace b --operator-namespace a"})
    EXPECT_THAT(Parse(std::string("operator ") + flags).refused,
                HasSubstr("a and b are two namespaces"));
}

TEST(OperatorFlags, DevelopmentIsADefaultThatOtherFlagsOverrule) {
  const OperatorOptions devel = Options("--zap-devel");
  EXPECT_EQ(devel.log.encoder, LogEncoder::kConsole);
  EXPECT_EQ(devel.log.least, LogLevel::kDebug);
  for (const char* flags : {"--zap-devel --zap-encoder json --zap-log-level warn",
                            "--zap-encoder json --zap-log-level warn --zap-devel"}) {
    const OperatorOptions told = Options(flags);
    EXPECT_EQ(told.log.encoder, LogEncoder::kJson) << flags;
    EXPECT_EQ(told.log.least, LogLevel::kWarning) << flags;
  }
}

TEST(OperatorFlags, UnknownEncodingsAreRefused) {
  EXPECT_THAT(Parse("operator --zap-encoder xml").refused,
              HasSubstr("xml is neither json nor console"));
  EXPECT_THAT(Parse("operator --zap-time-encoding unix").refused,
              HasSubstr("unix is none of epoch, millis"));
}

}  // namespace
}  // namespace etcdrestore
