# shellcheck shell=bash disable=SC2034
suite=all
claim="of two replicas the leader is killed with -9 at six steps; the other finishes, nothing twice"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() { stop_management; }
steps=(Staged Committed PoliciesOff WritersStopped OldDataAside InPlace Recorded EtcdStarted
  ApiServersStarted ControllersStarted KubeletsRestarted NetworkRestarted PoliciesBack)

# kill_leader_at STEP: or at a later one, should the new leader find that one done.
kill_leader_at() {
  local name later
  later=$(printf '%s\n' "${steps[@]}" | sed -n "/^$1\$/,\$p" | paste -sd '|')
  wait_until 180 "a leader" leader
  name=$(leader)
  until reached "$name" "$later"; do
    ! phase_is 'Succeeded|Failed' || fail "the run ended before step $1"
    for _ in $(seq 20); do
      ! reached "$name" "$later" || break
      pause 0.02
    done
  done
  kill_hard "$name"
  note "$name killed at $(grep -oE '"step":"[A-Za-z]+"' "$management/$name.log" | tail -1)"
  replicas=$((replicas + 1))
  start_operator "replica-$replicas"
}

test_case() {
  local step replicas=2
  start_management
  wreck etcd-data
  mark_data
  manifest "$case_dir/m.yml"
  start_operator replica-1
  start_operator replica-2
  apply "$case_dir/m.yml"
  for step in Staged PoliciesOff OldDataAside InPlace EtcdStarted KubeletsRestarted; do kill_leader_at "$step"; done
  succeeds 600
  restored
  wait_until 20 "the finalizer and the copies of the inputs to go" holds_nothing
  data_moved_once
  of_object '[.status.conditions[] | select(.type | test("^(Preflight|Cleaned|Fetched|Restored|Up|Restarted)$"))
    | .status] | unique == ["True"]' || fail "a phase that an earlier leader finished is not told"
}
