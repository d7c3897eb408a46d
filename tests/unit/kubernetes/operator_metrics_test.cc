#include "operator/kubernetes/operator_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kubernetes/status_document.h"
#include "tests/unit/kubernetes/objects.h"

namespace etcdrestore {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const SystemTime kNow = *ParseTime("2026-11-22T04:00:00Z");

TEST(OperatorMetrics, KnownSeriesAreThereAtZeroFromTheStart) {
  const OperatorMetrics metrics("v1", "lease", 4);
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
        std::string("etcdrestore_phase_duration_seconds_count{phase=\"Up\"} 0"),
        std::string("process_max_fds "),
        std::string("process_open_fds ")})
    EXPECT_THAT(text, HasSubstr(series));
}

TEST(OperatorMetrics, CountsWhatTheQueueDidSinceTheLastScrape) {
  OperatorMetrics metrics("v1", "lease", 4);
  metrics.OnQueue(
      {.depth = 2, .adds = 5, .retries = 1, .busy = 1, .unfinished = 3s, .longest = 3s});
  metrics.OnQueue(
      {.depth = 0, .adds = 7, .retries = 1, .busy = 0, .unfinished = 0s, .longest = 0s});
  const std::string text = metrics.Text();
  const std::string queue = "{controller=\"etcdrestore\",name=\"etcdrestore\"}";
  EXPECT_THAT(text, HasSubstr("workqueue_adds_total" + queue + " 7"));
  EXPECT_THAT(text, HasSubstr("workqueue_retries_total" + queue + " 1"));
  EXPECT_THAT(text, HasSubstr("workqueue_depth" + queue + " 0"));
}

TEST(OperatorMetrics, AnErrorIsOneReconciliation) {
  OperatorMetrics metrics("v1", "lease", 4);
  metrics.OnReconciled("error", 1);
  metrics.OnReconciled("success", 1);
  const std::string text = metrics.Text();
  const std::string controller = "{controller=\"etcdrestore\"";
  EXPECT_THAT(text, HasSubstr("reconcile_total" + controller + ",result=\"error\"} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_total" + controller + ",result=\"success\"} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_errors_total" + controller + "} 1"));
  EXPECT_THAT(text, HasSubstr("reconcile_time_seconds_count" + controller + "} 2"));
}

TEST(OperatorMetrics, TheSeriesOfADeletedObjectVanish) {
  OperatorMetrics metrics("v1", "lease", 4);
  const EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  metrics.OnStatus(object, OutsideRunStatus(object, "Failed", "Because", "of that", kNow));
  EXPECT_THAT(metrics.Text(), HasSubstr("name=\"" + object.name + "\""));
  metrics.OnGone({object.name_space, object.name});
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("name=\"" + object.name + "\"")));
}

TEST(OperatorMetrics, OnlyTheNewestHundredEndedObjectsKeepSeries) {
  OperatorMetrics metrics("v1", "lease", 4);
  EtcdRestore object = testing_objects::Parsed(testing_objects::AnObject());
  for (int i = 0; i < 150; ++i) {
    object.name = "number-" + std::to_string(i);
    metrics.OnStatus(object, OutsideRunStatus(object, "Failed", "Because", "of that", kNow));
  }
  const std::string text = metrics.Text();
  EXPECT_THAT(text, Not(HasSubstr("name=\"number-49\"")));
  EXPECT_THAT(text, HasSubstr("name=\"number-50\""));
}

}  // namespace
}  // namespace etcdrestore
