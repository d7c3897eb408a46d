# shellcheck shell=bash disable=SC2034
suite=quick
claim="a second run at the same time gets exit 6, also under another cluster name; the first is done"

# Three rivals at once: the first run is still at work when each of them looks.
rival() {
  local name=$1 file=$2 state=$3
  code=0
  "$program" run -f "$file" --state-dir "$state" -o plain >"$case_dir/$name.out" 2>&1 || code=$?
  echo $code >"$case_dir/$name.code"
}
lost() {
  output=$case_dir/$1.out
  code=$(cat "$case_dir/$1.code")
  note "$1: exit $code"
  expect_exit 6
  says "$2"
}

test_case() {
  local rivals=()
  wreck etcd-data
  manifest "$case_dir/first.yml"
  manifest "$case_dir/second.yml"
  sed 's/^  clusterName: .*/  clusterName: other/' "$case_dir/second.yml" >"$case_dir/third.yml"
  start_program "$case_dir/first.yml"
  # From its first step on until it ends, the first run holds this machine and all nodes.
  wait_until 180 "the first run to hold the nodes" at_step 'Prepared|Staged|RestoredBeside|Committed'
  rival same-state "$case_dir/second.yml" "$state_dir" & rivals+=($!)
  rival other-state "$case_dir/second.yml" "$case_dir/other" & rivals+=($!)
  rival other-name "$case_dir/third.yml" "$case_dir/other-name-state" & rivals+=($!)
  wait "${rivals[@]}"
  lost same-state "process [0-9]+, since 20.*, run .* holds .*\.lock"
  lost other-state "--takeover"
  lost other-name "--takeover"
  code=0
  wait $running || code=$?
  output=$case_dir/background.out running=''
  expect_exit 0
  restored
}
