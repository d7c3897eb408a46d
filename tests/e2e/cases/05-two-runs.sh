# shellcheck shell=bash disable=SC2034
suite=quick
claim="a second run at the same time gets exit 6, also under another cluster name; the first is done"

test_case() {
  wreck etcd-data
  manifest "$case_dir/first.yml"
  manifest "$case_dir/second.yml"
  sed 's/^  clusterName: .*/  clusterName: other/' "$case_dir/second.yml" >"$case_dir/third.yml"
  start_program "$case_dir/first.yml"
  # From its first look on until it ends the first run holds this machine and all nodes.
  wait_until 180 "the first run to hold the nodes" at_step 'Staged|RestoredBeside|Committed'
  kill -STOP $running
  restore second "$case_dir/second.yml"
  expect_exit 6
  says "lab-restore|first|$(hostname)"
  run_program other-machine run -f "$case_dir/second.yml" --state-dir "$case_dir/other" -o plain
  expect_exit 6
  says "--takeover"
  run_program other-name run -f "$case_dir/third.yml" --state-dir "$case_dir/other" -o plain
  expect_exit 6
  kill -CONT $running
  wait $running || { tail -30 "$case_dir/background.out"; fail "the first run ended with $?"; }
  running=''
  restored
}
