#!/usr/bin/env bash
# Proves the lab itself: a real cluster is made, wrecked, restored by the real rke, checked and removed,
# and nothing of it stays behind. Runs beside another lab when ETCDRESTORE_LAB names another folder.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export ETCDRESTORE_LAB=${ETCDRESTORE_LAB:-/var/lib/etcdrestore-smoke}
lab=$here/lab

step() {
  local began
  began=$(date +%s%N)
  "$@"
  printf '%-60s %6.1f s\n' "${*##*/}" "$((($(date +%s%N) - began) / 100000000))e-1"
}

traces() {
  local hash
  hash=$("$lab" bridge)
  {
    grep -lsz "^ETCDRESTORE_LAB_NODE=$ETCDRESTORE_LAB/" /proc/[0-9]*/environ || true
    grep -s "$ETCDRESTORE_LAB" /proc/self/mountinfo || true
    ip -o link | grep -F "$hash" || true
    losetup -a 2>/dev/null | grep -F "$ETCDRESTORE_LAB" || true
    find /sys/fs/cgroup -maxdepth 2 -name "etcdrestore-$hash"
    ls -d "$ETCDRESTORE_LAB" 2>/dev/null || true
  }
}

restore() {
  "$lab" rke etcd snapshot-restore --name snap1 --config rancher-cluster.yml \
    >"$ETCDRESTORE_LAB/rke-restore.log" 2>&1
}

nothing_left() {
  local left
  left=$(traces)
  [ -z "$left" ] || { printf 'left behind:\n%s\n' "$left" >&2; return 1; }
}

trap '"$lab" down' EXIT
step "$lab" up "$@"
step "$lab" objects before
step "$lab" snapshot snap1
step "$lab" objects after
if "$lab" objects check 2>/dev/null; then echo "objects check misses later objects" >&2 && exit 1; fi
step "$lab" wreck etcd-data
step restore
step "$lab" objects check
step "$lab" down
step nothing_left
trap - EXIT
echo "the lab works"
