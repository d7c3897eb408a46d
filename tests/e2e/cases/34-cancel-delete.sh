# shellcheck shell=bash disable=SC2034
suite=all
claim="cancelled or deleted before the point of no return nothing changed; past it the run ends safely"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() { stop_management; }
fresh() { # fresh NAME [SED]: an object with a runID of its own is applied
  manifest "$case_dir/$1.yml"
  [ -z "${2:-}" ] || sed -i "$2" "$case_dir/$1.yml"
  : >"$management/first.log"
  apply "$case_dir/$1.yml"
}
at_or_past() { # at_or_past STEPS: the step that is under way
  until reached first "$1"; do
    ! phase_is 'Succeeded|Failed' || fail "the run ended before $1"
    for _ in $(seq 20); do
      ! reached first "$1" || return 0
      pause 0.02
    done
  done
}
gone() { [ -z "$(mk get etcdrestores -n recovery "$object" --ignore-not-found)" ]; }
nodes_free() {
  local node
  for node in $(cluster_nodes); do on "$node" test ! -s /opt/rke/.etcdrestore/lock || return 1; done
}
# The object is gone: what the watch saw last is its status.
last_seen() {
  status_file() {
    jq -s 'map(select(.status.phase == "Succeeded")) | last' "$management/watch.log" >"$management/object.json"
    echo "$management/object.json"
  }
}
message() { of_object '.status.conditions[] | select(.type == "Ready") | .message'; }

test_case() {
  start_management
  wreck etcd-data
  start_operator first
  remember_cluster

  fresh cancelled-early
  at_or_past 'Prepared|Staged|RestoredBeside'
  cli cancel "$object"
  wait_until 120 "the end of the cancelled run" phase_is 'Cancelled|Failed|Succeeded'
  note "cancelled early: $(of_object .status.phase), $(message)"
  phase_is Cancelled || fail "a run that was cancelled early ended as $(of_object .status.phase)"
  cluster_unchanged
  mk delete etcdrestore "$object" -n recovery --timeout 30s >/dev/null

  fresh deleted-early
  at_or_past 'Prepared|Staged|RestoredBeside'
  mk delete etcdrestore "$object" -n recovery --timeout 60s >/dev/null
  wait_until 60 "the nodes to be given back" nodes_free
  cluster_unchanged
  note "deleted early: gone, nothing was changed"

  fresh cancelled-late
  at_or_past 'OldDataAside'
  cli cancel "$object"
  wait_until 300 "the end of the cancelled run" phase_is 'Cancelled|Failed|Succeeded'
  note "cancelled late: $(of_object .status.phase), $(message)"
  phase_is Failed || fail "half a restore that was cancelled ended as $(of_object .status.phase)"
  reason_is Cancelled || fail "it does not say that it was cancelled"
  wait_until 20 "the finalizer and the copies of the inputs to go" holds_nothing
  mk delete etcdrestore "$object" -n recovery --timeout 30s >/dev/null

  fresh deleted-late
  at_or_past 'WritersStopped|EtcdStopped|OldDataAside'
  mk patch etcdrestore "$object" -n recovery --type merge -p '{"spec":{"paused":true}}' >/dev/null
  wait_until 60 "the run to be paused" reason_is Paused
  of_object '.status.pointOfNoReturn' >/dev/null || fail "paused, it forgot its point of no return"
  note "paused late: $(of_object .status.phase), $(message)"
  mk patch etcdrestore "$object" -n recovery --type merge -p '{"spec":{"paused":false}}' >/dev/null
  mk delete etcdrestore "$object" -n recovery --wait=false >/dev/null
  ! gone || fail "half a restore let its object go"
  spawn watch "${kubectl[@]}" get etcdrestores -n recovery -w -o json
  wait_until 600 "the end of the deleted object" gone
  last_seen
  in_status '.status.phase' >/dev/null || fail "the run of the deleted object did not succeed"
  restored
  note "deleted late: the object stayed until the cluster was restored"
}
