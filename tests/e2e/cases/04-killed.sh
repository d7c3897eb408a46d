# shellcheck shell=bash disable=SC2034
suite=quick
claim="killed with -9 while data is moved, the same command brings the run to its end"

test_case() {
  wreck etcd-data
  manifest "$case_dir/m.yml"
  kill_at OldDataAside "$case_dir/m.yml"
  restore again "$case_dir/m.yml"
  expect_exit 0
  restored
}
