# shellcheck shell=bash disable=SC2034
suite=all
claim="one run killed with -9 at every one of its steps comes to its end with the same command"

test_case() {
  local step
  wreck etcd-data
  manifest "$case_dir/m.yml"
  for step in Committed PoliciesOff WritersStopped OldDataAside InPlace Recorded EtcdStarted \
    ApiServersStarted ControllersStarted KubeletsRestarted NetworkRestarted PoliciesBack; do
    kill_at "$step" "$case_dir/m.yml"
  done
  restore end "$case_dir/m.yml"
  expect_exit 0
  restored
}
