# shellcheck shell=bash disable=SC2034
suite=all
claim="kubectl apply of what init wrote restores the cluster; get -w, describe and wait tell of it"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() { stop_management; }

# What a person looks at stays readable: these go into docs/management-cluster.md.
show() {
  echo "--- $1"
  sed 's/^/| /' "$management/$1.log"
}

told() { jq -re "[.items[].reason] | index(\"$1\")" "$management/events.json" || fail "no Event $1"; }

test_case() {
  local reason
  start_management
  wreck etcd-data
  manifest "$case_dir/m.yml"
  start_operator first
  spawn watch "${kubectl[@]}" get etcdrestores -A -w
  apply "$case_dir/m.yml"
  spawn wait "${kubectl[@]}" wait --for=condition=Succeeded "etcdrestore/$object" -n recovery --timeout=30m
  succeeds 600
  wait "${pids[wait]}" || fail "kubectl wait: $(cat "$management/wait.log")"
  mk describe etcdrestore "$object" -n recovery >"$management/describe.log"
  cli status "$object" >"$management/status.log"
  for name in watch wait describe status; do show "$name"; done

  restored
  # Those that last; a status is written every two seconds at most.
  for reason in Preflight Up Restarted; do
    grep -qE " $reason +[0-5]/6 .* Unknown " "$management/watch.log" || fail "get -w never showed $reason"
  done
  grep -qE " Succeeded +6/6 +True " "$management/watch.log" ||
    fail "get -w does not show the end"
  mk get events -n recovery -o json >"$management/events.json"
  for reason in PlanMade PointOfNoReturn CleanedDone RestoredDone UpDone RestoreSucceeded; do
    told "$reason"
  done
  of_object '.status.plan.strategy == "InPlace" and (.status | has("outputs") | not)' ||
    fail "the status speaks of outputs that no rke made"
  of_object '.metadata | has("finalizers") | not' || fail "the finalizer is still there"
  [ -z "$(mk get secrets -n etcdrestore-system -o name)" ] || fail "copies of the inputs are still there"
  [ "$(mk get configmaps -n etcdrestore-system -o name | grep -c /etcdrestore-run-)" = 1 ] ||
    fail "there is no record of the run"
  # shellcheck source=/dev/null
  . "$LAB/s3.env"
  ! grep -qF -e "$S3_SECRET_KEY" -e "$(sed -n 3p "$LAB/id_rsa")" "$management"/first.log ||
    fail "the operator's log holds a secret"
}
