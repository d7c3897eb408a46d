# What every case may use. Sourced by run.sh, which gives each case its own folder, $case_dir.
# shellcheck shell=bash

e2e_dir=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
repository=$(cd "$e2e_dir/../.." && pwd)
lab_program=$repository/tests/lab/lab
export ETCDRESTORE_LAB=${ETCDRESTORE_LAB:-/var/lib/etcdrestore-e2e}
LAB=$ETCDRESTORE_LAB
cache=${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}
rke_program=$cache/bin/rke-1.8.0/rke

# The newest build, unless told.
find_program() {
  local found
  found=${ETCDRESTORE_BIN:-$(ls -t "$repository"/build/*/operator/etcdrestore 2>/dev/null | head -1)}
  [ -x "$found" ] || { echo "no etcdrestore program: build it, or set ETCDRESTORE_BIN" >&2; return 1; }
  readlink -f "$found"
}

lab() { "$lab_program" "$@"; }
kube() { lab kubectl "$@"; }
# on NODE COMMAND...: in the node, as its root, also when its network is cut.
on() {
  local pid
  read -r pid _ <"$LAB/node/$1/pid"
  shift
  nsenter -t "$pid" --mount --uts --ipc --net --pid --cgroup -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -c "$*" </dev/null
}
note() { printf '       %s\n' "$*"; }
fail() {
  echo "CLAIM BROKEN: $*"
  exit 1
}

etcd_nodes() { awk '$3 ~ /etcd/ { print $1 }' "$LAB/nodes"; }
cluster_nodes() { awk '$3 != "-" { print $1 }' "$LAB/nodes"; }
address_of() { awk -v n="$1" '$1 == n { print $2 }' "$LAB/nodes"; }

# pause SECONDS: without a process of its own; thousands of them would use up the process ids that bash
# remembers.
exec {never}<> <(:)
pause() { read -rt "$1" -u "$never" || true; }

# wait_until SECONDS WHAT COMMAND...: looks again and again; the deadline is a failure of the case.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "gave up waiting for $what"
    pause 0.1
  done
}

# --- the cluster ---------------------------------------------------------------------------------
ready_nodes() {
  local ready
  ready=$(kube get nodes --no-headers --request-timeout 5s | awk '$2 == "Ready"' | wc -l)
  [ "$ready" = "$(cluster_nodes | wc -l)" ]
}
members_healthy() {
  local node
  for node in $(etcd_nodes); do on "$node" docker exec etcd etcdctl endpoint health || return 1; done
}
cluster_healthy() { kube get --raw /readyz --request-timeout 5s && members_healthy && ready_nodes; }

# base_snapshot: "base" is taken once a lab, between the objects "before" and those "after".
base_snapshot() {
  [ ! -f "$LAB/e2e-base" ] || return 0
  { lab objects before && lab snapshot base; } || fail "the lab could not make the snapshot"
  touch "$LAB/e2e-base"
}

# wreck [KIND]: what a case restores from; later objects are there to be lost.
wreck() {
  base_snapshot
  lab objects after || fail "the lab could not make the later objects"
  lab wreck "${1:-etcd-data}" || fail "the lab could not be wrecked"
}

etcd_revision() {
  on "$1" docker exec etcd etcdctl endpoint status -w json | jq '.[0].Status.header.revision'
}
policies() {
  local node
  for node in $(cluster_nodes); do
    on "$node" 'docker ps -aq --filter label=io.rancher.rke.container.name | xargs -r docker inspect \
      -f "{{.Name}} {{.HostConfig.RestartPolicy.Name}} {{.State.Running}}"' | sort | sed "s/^/$node /"
  done
}
# Data folders of etcd on a node, with their inodes.
data_folders() { on "$1" 'ls -di /var/lib/etcd/member /var/lib/etcd-before-* 2>/dev/null || true'; }

# Nothing of the cluster differs from what $case_dir/state.before says. With etcd down the API server,
# controllers and scheduler end and begin by themselves: of those only container and policy are compared.
remember_cluster() { cluster_state >"$case_dir/state.before"; }
cluster_unchanged() {
  cluster_state >"$case_dir/state.after"
  diff "$case_dir/state.before" "$case_dir/state.after" || fail "something of the cluster changed"
}
cluster_state() {
  local node
  for node in $(cluster_nodes); do
    on "$node" 'docker ps -aq --no-trunc | xargs -r docker inspect -f "{{.Name}} {{.Id}} \
      {{.HostConfig.RestartPolicy.Name}} {{.State.StartedAt}} {{.State.Running}}"; ls /etc/kubernetes/ssl' |
      grep -v '^/k8s_.*_lab_' | sort | sed "s/^/$node /"
  done | awk '$2 ~ /^\/kube-(apiserver|controller-manager|scheduler)$/ { print $1, $2, $3, $4; next } { print }'
  for node in $(etcd_nodes); do data_folders "$node" | sed "s/^/$node /"; done
}

# --- the program ---------------------------------------------------------------------------------
# manifest FILE [SNAPSHOT]: as a user makes it. A changed cluster.yml is taken from $config.
manifest() {
  local file=$1 snapshot=${2:-base}
  # shellcheck source=/dev/null
  . "$LAB/s3.env"
  AWS_ACCESS_KEY_ID=${s3_access:-$S3_ACCESS_KEY} AWS_SECRET_ACCESS_KEY=${s3_secret:-$S3_SECRET_KEY} \
    "$program" init --config "${config:-$LAB/rancher-cluster.yml}" --snapshot "$snapshot" \
    --s3 "${s3_endpoint:-$S3_ENDPOINT}/$S3_BUCKET" --known-hosts "${known_hosts:-$LAB/known_hosts}" \
    -o "$file" >"$file.init" 2>&1 || { cat "$file.init"; fail "init failed"; }
  # Two manifests made within a second are still two runs.
  sed -i "s/^  runID: .*/  runID: $(basename "$file" .yml)-$(date +%s%N)/" "$file"
}
only_from_s3() { sed -i '/^    - nodes:$/,/^        directory:/d' "$1"; }
only_from_nodes() { sed -i '/^    - s3:$/,/^            name: .*-s3$/d' "$1"; }

# run_program NAME ARGS...: output goes to $case_dir/NAME.out, the exit code to $code.
# The state folder is the case's own, in $state_dir.
run_program() {
  local name=$1 began=$SECONDS
  shift
  code=0
  output=$case_dir/$name.out
  "$program" "$@" >"$output" 2>&1 || code=$?
  note "$name: exit $code after $((SECONDS - began)) s"
}
restore() {
  local name=$1 file=$2
  shift 2
  run_program "$name" run -f "$file" --state-dir "$state_dir" -o plain --rke "$rke_program" "$@"
}
expect_exit() {
  [ "$code" = "$1" ] || { tail -40 "$output"; fail "exit code $code, not $1"; }
}
says() {
  grep -qiE -- "$1" "$output" || { tail -40 "$output"; fail "the output does not say: $1"; }
}

# The newest status.json of this case.
status_file() { ls -t "$state_dir"/runs/*/status.json 2>/dev/null | head -1; }
in_status() { jq -re "$1" "$(status_file)"; }
at_step() { grep -qE "\"reason\": \"($1)\"" "$state_dir"/runs/*/status.json; }

# start_program FILE: in the background, pid in $running.
start_program() {
  "$program" run -f "$1" --state-dir "$state_dir" -o plain --rke "$rke_program" \
    >>"$case_dir/background.out" 2>&1 &
  running=$!
}
# kill_at STEP FILE: starts the program and kills it with -9 when its status names STEP.
kill_at() {
  local step=$1
  rm -rf "$state_dir"/runs/*/status.json
  start_program "$2"
  until at_step "$step" 2>/dev/null; do
    kill -0 $running 2>/dev/null ||
      { tail -30 "$case_dir/background.out"; fail "the program ended before step $step"; }
    pause 0.02
  done
  kill -9 $running
  wait $running 2>/dev/null || true
  running=
  note "killed at $step"
}

# restored: what came back is the moment of the snapshot, on members with equal content, and nothing
# of the run is left in the way.
restored() {
  local node hashes
  lab objects check || fail "the objects are not those of the snapshot"
  hashes=$(jq -r '[.status.nodes[] | select(.member) | .member.hashKV] | unique | length' "$(status_file)")
  [ "$hashes" = 1 ] || fail "members were reported with $hashes different hashes"
  policies | grep -v /service-sidekick | grep -v ' always true$' &&
    fail "the containers above do not run with policy always"
  for node in $(cluster_nodes); do
    on "$node" test ! -s /opt/rke/.etcdrestore/lock || fail "$node is still locked"
  done
}
