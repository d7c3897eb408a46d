# shellcheck shell=bash disable=SC2034
suite=all
claim="a full disk, Docker down, no CA, no rke or another cluster's snapshot: exit 3, nothing changed"

tidy() {
  lab free-disk n2 >/dev/null 2>&1 || true
  on n2 'mv /usr/bin/docker.away /usr/bin/docker 2>/dev/null' || true
}

refused() {
  local name=$1
  shift
  restore "$name" "$case_dir/$name.yml" "${extra[@]}"
  (
    expect_exit 3
    says "nothing was changed"
    for pattern in "$@"; do says "$pattern"; done
  ) || broken+=("$name")
}

# A small cluster of somebody else: its keys look like Kubernetes', its CA and objects do not match.
foreign_snapshot() {
  local etcd=$cache/bin/etcd-3.5.35 url=http://127.0.0.1:23790 pid number
  "$etcd/etcd" --data-dir "$case_dir/foreign-data" --listen-client-urls $url --advertise-client-urls $url \
    --listen-peer-urls http://127.0.0.1:23800 --initial-advertise-peer-urls http://127.0.0.1:23800 \
    --initial-cluster default=http://127.0.0.1:23800 >"$case_dir/foreign.log" 2>&1 &
  pid=$!
  wait_until 60 "the other cluster's etcd" "$etcd/etcdctl" --endpoints $url endpoint health
  for number in 1 2 3 4 5; do
    "$etcd/etcdctl" --endpoints $url put "/registry/shop/orders/$number" "order $number" >/dev/null
  done
  "$etcd/etcdctl" --endpoints $url snapshot save "$case_dir/foreign" >/dev/null 2>&1
  kill $pid
  lab s3 -q put "$case_dir/foreign" s3://etcd-snapshots/foreign
}

test_case() {
  local broken=() extra=() name
  wreck etcd-data
  foreign_snapshot
  for name in full no-docker no-rke; do manifest "$case_dir/$name.yml"; done
  sed -i 's/^  strategy: Auto/  strategy: Rebuild/' "$case_dir/no-rke.yml"
  manifest "$case_dir/foreign.yml" foreign
  only_from_s3 "$case_dir/foreign.yml"
  mkdir "$case_dir/bare"
  cp "$LAB/rancher-cluster.yml" "$case_dir/bare/"
  config=$case_dir/bare/rancher-cluster.yml manifest "$case_dir/no-ca.yml"
  only_from_s3 "$case_dir/no-ca.yml"
  sed -i 's/^  strategy: Auto/  strategy: Rebuild/' "$case_dir/no-ca.yml"

  remember_cluster
  refused foreign "kube-system|not a Kubernetes|another cluster|suspicious"
  refused no-ca "rkestate"
  extra=(--rke /nonexistent/rke)
  refused no-rke "/nonexistent/rke"
  extra=()
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
