#include "operator/kubernetes/operator_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kubernetes/status_document.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;

EtcdRestore Named(const std::string& name) {
  EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  object.name = name;
  return object;
}

Json Status(const char* phase) {
  return OutsideRunStatus(Named("one"), phase, "Because", "", *ParseTime("2026-11-22T04:00:00Z"));
}

Json Ended(const std::string& when) {
  Json status = Status("Succeeded");
  status["completionTime"] = when;
  status["snapshot"] = {{"takenAt", "1970-01-01T00:16:40Z"}};
  return status;
}

Json Working(const char* phase) {
  Json status = Status(phase);
  status["timeline"] = {{{"phase", phase}, {"startedAt", "1970-01-01T01:00:00Z"}}};
  return status;
}

std::string Condition(const char* type, const char* status, int value) {
  return std::string(R"(etcdrestore_restore_condition{cluster="prod",condition=")") + type +
         R"(",name="one",namespace="recovery",status=")" + status + "\"} " + std::to_string(value) +
         "\n";
}

class OperatorMetricsTest : public ::testing::Test {
 protected:
  OperatorMetrics metrics{{{"version", "1.2.3"}, {"libcurl", "8"}}, "lease", 4};
};

TEST_F(OperatorMetricsTest, WhatIsKnownIsThereAtZero) {
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("etcdrestore_restores_total{result=\"failed\"} 0\n"));
  EXPECT_THAT(
      text,
      HasSubstr("etcdrestore_phase_duration_seconds_count{phase=\"Up\",result=\"failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("leader_election_master_status{name=\"lease\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("etcdrestore_build_info{libcurl=\"8\",version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("namespace=")));
}

TEST_F(OperatorMetricsTest, AConditionThatIsGoneIsNoLongerTrue) {
  metrics.OnStatus(Named("one"), Working("Up"));
  EXPECT_THAT(metrics.Text(), HasSubstr(Condition("Reconciling", "true", 1)));
  metrics.OnStatus(Named("one"), Ended("2026-11-22T04:00:00Z"));
  EXPECT_THAT(metrics.Text(), HasSubstr(Condition("Reconciling", "true", 0)));
  EXPECT_THAT(metrics.Text(), HasSubstr(Condition("Succeeded", "true", 1)));
}

TEST_F(OperatorMetricsTest, OnlyThePhaseThatWorksHasAStartAndALimit) {
  const auto start = [](const char* phase) {
    return std::string("phase_start_timestamp_seconds{cluster=\"prod\",name=\"one\",namespace=") +
           "\"recovery\",phase=\"" + phase + "\"} 3600\n";
  };
  metrics.OnStatus(Named("one"), Working("Up"));
  EXPECT_THAT(metrics.Text(), HasSubstr(start("Up")));
  EXPECT_THAT(metrics.Text(), HasSubstr("etcdrestore_restore_phase_timeout_seconds{"));
  metrics.OnStatus(Named("one"), Working("Restarted"));
  EXPECT_THAT(metrics.Text(), HasSubstr(start("Restarted")));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr(start("Up"))));
  metrics.OnStatus(Named("one"), Ended("2026-11-22T04:00:00Z"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("phase_start_timestamp_seconds{")));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("phase_timeout_seconds{")));
}

TEST_F(OperatorMetricsTest, TheHundredThatEndedLastAreShownInWhateverOrderTheyCome) {
  for (int i = 0; i < 150; ++i) {
    const int minute = (i * 7) % 150;
    metrics.OnStatus(Named("r" + std::to_string(minute)),
                     Ended(FormatTime(SystemTime(std::chrono::minutes(minute)))));
  }
  metrics.OnStatus(Named("waits"), Status("Pending"));
  const std::string text = metrics.Text();
  const auto shown = [&](const std::string& name) {
    return text.find("name=\"" + name + "\"") != std::string::npos;
  };
  for (int minute = 0; minute < 150; ++minute)
    EXPECT_EQ(shown("r" + std::to_string(minute)), minute >= 50) << minute;
  EXPECT_TRUE(shown("waits"));
}

TEST_F(OperatorMetricsTest, TheLastSuccessOfAClusterIsKnownAfterARestartToo) {
  metrics.OnStatus(Named("new"), Ended("1970-01-01T02:00:00Z"));
  metrics.OnStatus(Named("old"), Ended("1970-01-01T01:00:00Z"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("etcdrestore_last_success_timestamp_seconds{cluster=\"prod\"} 7200\n"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("restored_snapshot_timestamp_seconds{cluster=\"prod\"} 1000\n"));
}

TEST_F(OperatorMetricsTest, ASuccessWithoutATimeTellsNoTime) {
  Json untold = Ended("");
  untold.erase("completionTime");
  metrics.OnStatus(Named("one"), untold);
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("last_success_timestamp_seconds{")));
  metrics.OnStatus(Named("two"), Ended("1970-01-01T02:00:00Z"));
  metrics.OnStatus(Named("one"), untold);
  EXPECT_THAT(metrics.Text(),
              HasSubstr("etcdrestore_last_success_timestamp_seconds{cluster=\"prod\"} 7200\n"));
}

TEST_F(OperatorMetricsTest, ASnapshotOfUnknownAgeTellsNoAge) {
  Json status = Ended("1970-01-01T02:00:00Z");
  status.erase("snapshot");
  metrics.OnStatus(Named("one"), status);
  EXPECT_THAT(metrics.Text(), HasSubstr("last_success_timestamp_seconds{cluster=\"prod\"} 7200\n"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("restored_snapshot_timestamp_seconds{")));
}

TEST_F(OperatorMetricsTest, AnObjectThatBeginsAnewIsNoLongerAtItsEnd) {
  metrics.OnStatus(Named("again"), Ended("1970-01-01T00:00:01Z"));
  metrics.OnStatus(Named("again"), Working("Up"));
  for (int i = 0; i < 100; ++i)
    metrics.OnStatus(Named("r" + std::to_string(i)), Ended("2026-11-22T04:00:00Z"));
  EXPECT_THAT(metrics.Text(), HasSubstr("name=\"again\""));
}

TEST_F(OperatorMetricsTest, CountsWhatRunsDoOnNodesAndWithSnapshots) {
  metrics.OnCommand("Cleaned", "failed", 0.2);
  metrics.OnConnectFailure("hostkey");
  metrics.OnDownloaded("s3", 512);
  metrics.OnDownloaded("s3", 512);
  metrics.OnBadSnapshot("nodes");
  metrics.OnAttempt("Up", false);
  const std::string text = metrics.Text();
  const std::string cleaned = R"({phase="Cleaned",result="failed"})";
  EXPECT_THAT(text, HasSubstr("etcdrestore_ssh_commands_total" + cleaned + " 1\n"));
  EXPECT_THAT(text, HasSubstr("etcdrestore_ssh_command_duration_seconds_sum" + cleaned + " 0.2\n"));
  EXPECT_THAT(text, HasSubstr("connect_failures_total{reason=\"hostkey\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("connect_failures_total{reason=\"auth\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("snapshot_download_bytes_total{source=\"s3\"} 1024\n"));
  EXPECT_THAT(text, HasSubstr("snapshot_verify_failures_total{source=\"nodes\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("phase_attempts_total{phase=\"Up\",result=\"failed\"} 1\n"));
}

TEST_F(OperatorMetricsTest, APhaseThatEndedBadlyHasItsTimeToo) {
  Json status = Working("Up");
  status["phase"] = "Failed";
  status["completionTime"] = "1970-01-01T01:00:20Z";
  metrics.OnRunEnded(Named("one"), status);
  EXPECT_THAT(metrics.Text(),
              HasSubstr("phase_duration_seconds_sum{phase=\"Up\",result=\"failed\"} 20\n"));
}

TEST_F(OperatorMetricsTest, TheThousandClustersThatSucceededLastAreRemembered) {
  EtcdRestore object = Named("one");
  const auto succeed = [&](int cluster, const std::string& when) {
    object.spec.cluster_name = "c" + std::to_string(cluster);
    metrics.OnStatus(object, Ended(when));
  };
  succeed(5000, "2026-11-20T00:00:00Z");
  for (int cluster = 1; cluster < 1000; ++cluster) succeed(cluster, "2026-11-22T00:00:00Z");
  const auto shown = [&](int cluster) {
    const std::string series = "{cluster=\"c" + std::to_string(cluster) + "\"} ";
    const std::string text = metrics.Text();
    return std::pair(
        text.find("last_success_timestamp_seconds" + series) != std::string::npos,
        text.find("restored_snapshot_timestamp_seconds" + series) != std::string::npos);
  };
  EXPECT_EQ(shown(5000), std::pair(true, true));
  succeed(1000, "2026-11-23T00:00:00Z");
  EXPECT_EQ(shown(5000), std::pair(false, false));
  EXPECT_EQ(shown(1000), std::pair(true, true));
  EXPECT_EQ(shown(1), std::pair(true, true));
  succeed(2000, "2026-11-19T00:00:00Z");
  EXPECT_EQ(shown(2000), std::pair(false, false));
}

TEST_F(OperatorMetricsTest, AWorkerThatDoesNotComeBackIsSeen) {
  using namespace std::chrono_literals;
  const SteadyTime start(100s);
  const auto queue = [](const char* metric, const char* value) {
    return std::string("workqueue_") + metric +
           R"({controller="etcdrestore",name="etcdrestore"} )" + value + "\n";
  };
  metrics.OnTaken(start - 2s, start);
  metrics.OnScrape({.depth = 3}, start + 40s);
  std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(queue("depth", "3")));
  EXPECT_THAT(text, HasSubstr(queue("longest_running_processor_seconds", "40")));
  EXPECT_THAT(text, HasSubstr("active_workers{controller=\"etcdrestore\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(queue("queue_duration_seconds_sum", "2")));
  metrics.OnReconciled("success", 41);
  metrics.OnScrape({}, start + 50s);
  text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(queue("longest_running_processor_seconds", "0")));
  EXPECT_THAT(text, HasSubstr("active_workers{controller=\"etcdrestore\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(queue("work_duration_seconds_sum", "41")));
}

TEST_F(OperatorMetricsTest, KnownSeriesAreThereAtZeroFromTheStart) {
  const std::string text = metrics.Text();
  const std::string controller = "{controller=\"etcdrestore\"";
  const std::string queue = controller + ",name=\"etcdrestore\"";
  for (const std::string& series :
       {"controller_runtime_reconcile_total" + controller + ",result=\"success\"} 0",
        "controller_runtime_reconcile_total" + controller + ",result=\"error\"} 0",
        "controller_runtime_reconcile_total" + controller + ",result=\"requeue\"} 0",
        "controller_runtime_reconcile_total" + controller + ",result=\"requeue_after\"} 0",
        "controller_runtime_reconcile_errors_total" + controller + "} 0",
        "controller_runtime_terminal_reconcile_errors_total" + controller + "} 0",
        "controller_runtime_reconcile_panics_total" + controller + "} 0",
        "controller_runtime_reconcile_timeouts_total" + controller + "} 0",
        "controller_runtime_reconcile_time_seconds_count" + controller + "} 0",
        "controller_runtime_max_concurrent_reconciles" + controller + "} 4",
        "controller_runtime_active_workers" + controller + "} 0",
        "workqueue_depth" + queue + "} 0",
        "workqueue_adds_total" + queue + "} 0",
        "workqueue_retries_total" + queue + "} 0",
        "workqueue_queue_duration_seconds_count" + queue + "} 0",
        "workqueue_work_duration_seconds_count" + queue + "} 0",
        "workqueue_unfinished_work_seconds" + queue + "} 0",
        "workqueue_longest_running_processor_seconds" + queue + "} 0",
        std::string("leader_election_master_status{name=\"lease\"} 0"),
        std::string("etcdrestore_restores_total{result=\"failed\"} 0"),
        std::string("etcdrestore_phase_attempts_total{phase=\"Up\",result=\"failed\"} 0"),
        std::string("certwatcher_read_certificate_total 0"),
        std::string("certwatcher_read_certificate_errors_total 0"),
        std::string("process_max_fds "),
        std::string("process_open_fds ")})
    EXPECT_THAT(text, HasSubstr(series));
}

TEST_F(OperatorMetricsTest, CountsWhatTheQueueDidSinceTheLastScrape) {
  metrics.OnScrape({.depth = 2, .adds = 5, .retries = 1}, {});
  metrics.OnScrape({.depth = 0, .adds = 7, .retries = 1}, {});
  const std::string text = metrics.Text();
  const std::string queue = "{controller=\"etcdrestore\",name=\"etcdrestore\"}";
  EXPECT_THAT(text, HasSubstr("workqueue_adds_total" + queue + " 7"));
  EXPECT_THAT(text, HasSubstr("workqueue_retries_total" + queue + " 1"));
  EXPECT_THAT(text, HasSubstr("workqueue_depth" + queue + " 0"));
}

TEST_F(OperatorMetricsTest, AnErrorIsOneReconciliation) {
  metrics.OnReconciled("error", 1);
  metrics.OnReconciled("success", 1);
  const std::string text = metrics.Text();
  const std::string controller = "{controller=\"etcdrestore\"";
  EXPECT_THAT(text, HasSubstr("reconcile_total" + controller + ",result=\"error\"} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_total" + controller + ",result=\"success\"} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_errors_total" + controller + "} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_time_seconds_count" + controller + "} 2"));
}

TEST_F(OperatorMetricsTest, ACertificateThatIsOfNoUseWasReadToo) {
  metrics.OnCertificateRead(true);
  metrics.OnCertificateRead(false);
  EXPECT_THAT(metrics.Text(), HasSubstr("certwatcher_read_certificate_total 2\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("certwatcher_read_certificate_errors_total 1\n"));
}

TEST_F(OperatorMetricsTest, WhatIsDeletedIsGone) {
  metrics.OnStatus(Named("one"), Working("Up"));
  metrics.OnStatus(Named("two"), Ended("2026-11-22T04:00:00Z"));
  metrics.OnGone({"recovery", "one"});
  metrics.OnGone({"recovery", "two"});
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("namespace=")));
}

}  // namespace
}  // namespace etcdrestore
