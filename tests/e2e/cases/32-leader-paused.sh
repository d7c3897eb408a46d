# shellcheck shell=bash disable=SC2034
suite=all
claim="a leader stopped past its Lease does nothing after it wakes; another one finished the run"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() {
  [ -z "${paused:-}" ] || kill -CONT "${pids[$paused]}" 2>/dev/null || true
  stop_management
}

# pause_leader_at PATTERN
pause_leader_at() {
  wait_until 120 "a leader" leader
  paused=$(leader)
  until reached "$paused" "$1"; do
    kill -0 "${pids[$paused]}" || fail "$paused ended before $1"
    pause 0.02
  done
  kill -STOP "${pids[$paused]}"
  note "$paused stands still at $(grep -oE '"step":"[A-Za-z]+"' "$management/$paused.log" | tail -1)"
}
gone() { ! kill -0 "${pids[$1]}" 2>/dev/null; }
what_is() {
  local node
  cluster_state
  mk get etcdrestores -n recovery "$object" -o json | jq '.metadata.resourceVersion, .status'
  mk get configmaps,secrets,events.events.k8s.io -A -o json | jq -c '.items[].metadata | [.name, .resourceVersion]'
  for node in $(cluster_nodes); do on "$node" 'cd /opt/rke/.etcdrestore && cat lock receipt.json'; done
}

# wake: it ends by itself and leaves everything as it is.
wake() {
  local code=0
  what_is >"$case_dir/before-waking"
  kill -CONT "${pids[$paused]}"
  wait_until 30 "the end of the one that woke" gone "$paused"
  wait "${pids[$paused]}" || code=$?
  [ $code = 1 ] || fail "$paused ended with $code"
  grep -q '"msg":"Lease lost"' "$management/$paused.log" || fail "$paused does not say why it ended"
  what_is >"$case_dir/after-waking"
  diff "$case_dir/before-waking" "$case_dir/after-waking" || fail "$paused did something after it woke"
  note "woken, it ended with: $(tail -1 "$management/$paused.log" | jq -r .error)"
}

test_case() {
  start_management
  wreck etcd-data
  mark_data
  manifest "$case_dir/m.yml"
  start_operator first
  apply "$case_dir/m.yml"
  pause_leader_at OldDataAside
  start_operator second
  succeeds 600
  [ "$(leader)" = second ] || fail "the leader is not the second"
  restored
  wait_until 20 "the finalizer and the copies of the inputs to go" holds_nothing
  data_moved_once
  wake
}
