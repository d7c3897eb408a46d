#!/usr/bin/env bash
# The same disaster, the same cluster, the same machine: restored by etcdrestore in place and by the real
# `rke etcd snapshot-restore`, in turns. ROUNDS (2) says how often; both prove what came back.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/../e2e/lib.sh"
rounds=${ROUNDS:-2}
program=$(find_program)
case_dir=$(mktemp -d)
state_dir=$case_dir/state
had_lab=no
[ ! -f "$LAB/complete" ] || had_lab=yes
tidy() {
  local code=$?
  if [ $code = 0 ]; then rm -rf "$case_dir"; else echo "failed; logs in $case_dir" >&2; fi
  if [ $had_lab = no ] && [ -z "${E2E_KEEP_LAB:-}" ]; then lab down; fi
  exit $code
}
trap tidy EXIT

timed() {
  local began
  began=$(date +%s%N)
  "$@" >"$case_dir/timed.log" 2>&1 || { tail -20 "$case_dir/timed.log" >&2; return 1; }
  awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'
}
average() { awk '{ s += $1 } END { printf "%.1f", s / NR }' <<<"${1// /$'\n'}"; }

[ $had_lab = yes ] || lab up
base_snapshot
ours='' theirs=''
printf '%-8s %14s %28s\n' round 'etcdrestore s' 'rke etcd snapshot-restore s'
for ((round = 1; round <= rounds; round++)); do
  wreck etcd-data 2>"$case_dir/lab.log"
  manifest "$case_dir/m$round.yml"
  a=$(timed "$program" run -f "$case_dir/m$round.yml" --state-dir "$state_dir" -o plain)
  lab objects check 2>>"$case_dir/lab.log"
  wreck etcd-data 2>>"$case_dir/lab.log"
  b=$(timed lab rke etcd snapshot-restore --name base --config rancher-cluster.yml)
  lab objects check 2>>"$case_dir/lab.log"
  printf '%-8s %14s %28s\n' "$round" "$a" "$b"
  ours+="${ours:+ }$a" theirs+="${theirs:+ }$b"
done
a=$(average "$ours") b=$(average "$theirs")
printf '%-8s %14s %28s   %s times faster, load %s\n' average "$a" "$b" \
  "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.1f", b / a }')" "$(cut -d' ' -f1 /proc/loadavg)"
