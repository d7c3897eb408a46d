# shellcheck shell=bash disable=SC2034
suite=all
claim="an object made again, or brought back by a restore of the management cluster, starts nothing"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() { stop_management; }
backup() {
  "$etcd_bin/etcdctl" --endpoints "http://127.0.0.1:$etcd_port" snapshot save "$management/$1" >/dev/null 2>&1
}
# Everything of the management cluster goes back in time, while the operator runs.
go_back_to() {
  kill_hard apiserver
  kill_hard etcd
  rm -rf "$management/etcd"
  "$etcd_bin/etcdutl" snapshot restore "$management/$1" --data-dir "$management/etcd" --name default \
    --initial-cluster "default=http://127.0.0.1:$peer_port" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --bump-revision 1000000 --mark-compacted >/dev/null 2>&1
  start_etcd
  start_api
  # The operator ended if it could not renew its Lease; a Deployment would start it again.
  kill -0 "${pids[first]}" 2>/dev/null || { unset "pids[first]" && start_operator first; }
  wait_until 120 "a leader" leader
}
set_spec() { mk patch etcdrestore "$object" -n recovery --type=merge -p "{\"spec\":$1}" >/dev/null; }
answered() { phase_is "$1" && reason_is "$2"; }
nothing_ran() {
  wait_until 120 "$1" answered "$2" "$3"
  cluster_unchanged
  note "$1: $(of_object '.status.phase + ", " + (.status.conditions[] | select(.type == "Ready") | .reason + ", " + .message)')"
}

test_case() {
  start_management
  wreck etcd-data
  manifest "$case_dir/m.yml"
  start_operator first
  sed 's/^  strategy: Auto/&\n  paused: true/' "$case_dir/m.yml" >"$case_dir/paused.yml"
  apply "$case_dir/paused.yml"
  wait_until 120 "the pause to be seen" reason_is Paused
  backup before
  set_spec '{"paused":false}'
  succeeds 600
  restored
  backup after
  remember_cluster

  mk delete etcdrestore "$object" -n recovery >/dev/null
  apply "$case_dir/m.yml"
  nothing_ran "deleted and applied again" Succeeded AlreadyRan

  go_back_to after
  wait_until 60 "the object as it was" answered Succeeded Verified
  nothing_ran "brought back as it was after the run" Succeeded Verified

  go_back_to before
  wait_until 60 "the object as it was" reason_is Paused
  set_spec '{"paused":false}'
  nothing_ran "brought back as it was before the run" Succeeded Verified
  of_object '.status.conditions[] | select(.type == "Ready") | .message | test("this run finished at")' ||
    fail "it does not say that this run finished before"

  mk delete etcdrestore "$object" -n recovery >/dev/null
  lab objects after && lab wreck etcd-data
  sed 's/^  runID: .*/&-again/' "$case_dir/m.yml" >"$case_dir/again.yml"
  apply "$case_dir/again.yml"
  succeeds 600
  restored
  note "with a new runID it was restored once more"
}
