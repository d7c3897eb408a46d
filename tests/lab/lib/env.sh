# Names, places and messages that all parts of the lab share. Sourced, never run.
# shellcheck shell=bash disable=SC2034

CACHE=${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}
LAB=${ETCDRESTORE_LAB:-/var/lib/etcdrestore-lab}
TOOLS_DIR=$LAB_SRC/../tools

ETCD_VERSION=3.5.35
RKE_VERSION=1.8.0
KUBE_VERSION=1.32.2
VERSITYGW_VERSION=1.8.0

ETCD_BIN=$CACHE/bin/etcd-$ETCD_VERSION
RKE_BIN=$CACHE/bin/rke-$RKE_VERSION
KUBE_BIN=$CACHE/bin/kubernetes-$KUBE_VERSION
VERSITYGW_BIN=$CACHE/bin/versitygw-$VERSITYGW_VERSION

ETCD_IMAGE=rancher/mirrored-coreos-etcd:v3.5.16
HYPERKUBE_IMAGE=rancher/hyperkube:v1.32.2-rancher1
PAUSE_IMAGE=rancher/mirrored-pause:3.7
RKE_TOOLS_IMAGE=rancher/rke-tools:v0.1.111
PLAIN_IMAGE=etcdrestore/plain:1

# Two labs coexist when their state folders differ: bridge and subnet follow from the folder.
lab_hash() { printf '%s' "$LAB" | cksum | cut -d' ' -f1; }
if [ "$LAB" = /var/lib/etcdrestore-lab ]; then
  BRIDGE=${ETCDRESTORE_LAB_BRIDGE:-erlab0}
  NET=${ETCDRESTORE_LAB_NET:-10.77.0}
else
  BRIDGE=${ETCDRESTORE_LAB_BRIDGE:-erlab$(($(lab_hash) % 9000 + 1000))}
  NET=${ETCDRESTORE_LAB_NET:-10.78.$(($(lab_hash) % 250 + 1))}
fi
S3_PORT=${ETCDRESTORE_LAB_S3_PORT:-17070}

started_at=$(date +%s.%N)
elapsed() { awk -v a="$started_at" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'; }
say() { printf '[lab %6ss] %s\n' "$(elapsed)" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# wait_for SECONDS WHAT COMMAND...: looks every 0.2 s until COMMAND succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { say "gave up waiting for $what"; return 1; }
    sleep 0.2
  done
}

need_root() { [ "$(id -u)" = 0 ] || die "the lab makes namespaces and mounts: run it as root"; }

# A pid file holds a pid and its start time, so that a pid that now belongs to something else is not
# taken for ours.
write_pid() { echo "$2 $(awk '{ print $22 }' "/proc/$2/stat")" >"$1"; }
read_pid() {
  local pid start
  read -r pid start 2>/dev/null <"$1" && [ -n "$start" ] || return 1
  [ "$(awk '{ print $22 }' "/proc/$pid/stat" 2>/dev/null)" = "$start" ] && echo "$pid"
}
