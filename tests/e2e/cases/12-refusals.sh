# shellcheck shell=bash disable=SC2034
suite=all
claim="a full disk, Docker down, no CA, no rke, a silent S3 or another cluster's snapshot: nothing changed"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

tidy() {
  stop_management
  lab free-disk n2 >/dev/null 2>&1 || true
  on n2 'mv /usr/bin/docker.away /usr/bin/docker 2>/dev/null' || true
}

refused() {
  local name=$1
  shift
  restore "$name" "$case_dir/$name.yml"
  (
    expect_exit 3
    says "nothing was changed"
    for pattern in "$@"; do says "$pattern"; done
  ) || broken+=("$name")
}

# Two snapshots of somebody else: of a store that no Kubernetes uses, and of a Kubernetes with a CA of
# its own.
foreign_snapshots() {
  local number endpoint
  prepare_management
  start_etcd
  endpoint=http://127.0.0.1:$etcd_port
  wait_until 60 "the other cluster's etcd" "$etcd_bin/etcdctl" --endpoints "$endpoint" endpoint health
  for number in 1 2 3 4 5; do
    "$etcd_bin/etcdctl" --endpoints "$endpoint" put "/registry/shop/orders/$number" "order $number" >/dev/null
  done
  take_foreign unproved "$endpoint"
  start_api
  wait_until 60 "the namespace kube-system" mk get namespace kube-system
  mk create configmap kube-root-ca.crt -n kube-system --from-file=ca.crt="$management/server.crt" >/dev/null
  take_foreign foreign "$endpoint"
  stop_management
}
take_foreign() {
  "$etcd_bin/etcdctl" --endpoints "$2" snapshot save "$case_dir/$1" >/dev/null 2>&1
  lab s3 -q put "$case_dir/$1" "s3://etcd-snapshots/$1"
}

# An S3 server that accepts and never says a word.
silent_server() {
  local address
  address=$(sed -n 's|^S3_ENDPOINT=http://\(.*\):[0-9]*$|\1|p' "$LAB/s3.env")
  socat -d -d -u "TCP-LISTEN:0,bind=$address,fork" "EXEC:tail -f /dev/null" 2>"$case_dir/socat.log" &
  pids[silent]=$!
  wait_until 10 "the silent server" grep -q listening "$case_dir/socat.log"
  s3_endpoint=http://$address:$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$case_dir/socat.log")
}

test_case() {
  local broken=() name s3_endpoint=''
  wreck etcd-data
  foreign_snapshots
  for name in full no-docker no-rke; do manifest "$case_dir/$name.yml"; done
  sed -i 's/^  strategy: Auto/  strategy: Rebuild/' "$case_dir/no-rke.yml"
  for name in foreign unproved; do
    manifest "$case_dir/$name.yml" $name
    only_from_s3 "$case_dir/$name.yml"
  done
  silent_server
  manifest "$case_dir/silent.yml"
  s3_endpoint=''
  only_from_s3 "$case_dir/silent.yml"
  mkdir "$case_dir/bare"
  cp "$LAB/rancher-cluster.yml" "$case_dir/bare/"
  config=$case_dir/bare/rancher-cluster.yml manifest "$case_dir/no-ca.yml"
  only_from_s3 "$case_dir/no-ca.yml"
  sed -i 's/^  strategy: Auto/  strategy: Rebuild/' "$case_dir/no-ca.yml"

  remember_cluster
  refused foreign "kube-ca" "another cluster"
  refused silent "no data for|did not answer|silent|timed out"
  kill_hard silent
  # Nothing tells whose it is, and it was named exactly: a person must say so.
  restore unproved "$case_dir/unproved.yml"
  [ "$code" = 5 ] && says "kube-system" || broken+=(unproved)
  refused no-ca "rkestate"
  rke_program=/nonexistent/rke refused no-rke "/nonexistent/rke"
  lab fill-disk n2
  refused full "n2" "disk|space|room"
  lab free-disk n2
  cluster_unchanged
  # Docker is down in the way a person sees: the socket does not answer.
  on n2 'kill -STOP $(cat /run/docker.pid)'
  sed -i 's/^  strategy: Auto/&\n  deadlines: {preflight: 1m}\n  attempts: 1/' "$case_dir/no-docker.yml"
  restore no-docker "$case_dir/no-docker.yml"
  on n2 'kill -CONT $(cat /run/docker.pid)'
  [ "$code" = 3 ] || [ "$code" = 124 ] || broken+=(no-docker)
  (says n2 && says docker) || broken+=(no-docker-words)
  cluster_unchanged
  manifest "$case_dir/good.yml"
  restore good "$case_dir/good.yml"
  expect_exit 0
  [ ${#broken[@]} = 0 ] || fail "${#broken[@]} of the refusals were not as promised: ${broken[*]}"
}
