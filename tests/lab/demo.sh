#!/usr/bin/env bash
# The main job, shown: a real RKE cluster loses the data of its etcd, and gets it back from a snapshot in
# S3. Brings the lab up when it is not, and leaves it up.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
lab=$here/lab
LAB=${ETCDRESTORE_LAB:-/var/lib/etcdrestore-lab}
etcdrestore=${ETCDRESTORE_BIN:-$here/../../build/dev/operator/etcdrestore}

began=$(date +%s%N)
seconds_since() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
chapter() { printf '\n== [%6s s] %s\n' "$(seconds_since "$began")" "$*"; }
show() { # show COMMAND...: what a person would type, then what it says
  printf '$ %s\n' "${*/#$lab/lab}"
  "$@"
}
objects() { show "$lab" kubectl -n lab get configmaps,secrets,deployments -l set -L set; }
value() { "$lab" kubectl -n lab get configmap before-1 -o 'jsonpath={.data.value}'; }

[ "$(id -u)" = 0 ] || { echo "demo: the lab makes namespaces and mounts: run as root" >&2; exit 1; }
[ -x "$etcdrestore" ] || { echo "demo: $etcdrestore is not there: run make build" >&2; exit 1; }
[ -e "$LAB/complete" ] || lab_is_new=yes

trap 'echo "demo: broken off; the lab is left as it is in $LAB. To look: $lab status. To remove it: $lab down" >&2' ERR
set -E

chapter "a real RKE cluster, three nodes with all roles"
"$lab" up
# A demo that was shown before, or broken off, left objects, and maybe a wreck.
if [ -z "${lab_is_new:-}" ]; then
  "$lab" kubectl --request-timeout 10s get --raw /readyz >/dev/null 2>&1 || {
    echo "demo: the cluster in $LAB does not answer; take it away with: $lab down" >&2
    exit 1
  }
  "$lab" kubectl delete namespace lab --ignore-not-found
fi
show "$lab" kubectl get nodes

chapter "objects, then a snapshot by rke, then more objects"
"$lab" objects before
snapshot=demo-$(date +%H%M%S)
"$lab" snapshot "$snapshot"
"$lab" objects after
objects
printf 'configmap before-1 says "%s"; secret before-2 was deleted\n' "$(value)"

chapter "the wreck: every etcd member is stopped and its data deleted"
"$lab" wreck etcd-data
if show "$lab" kubectl --request-timeout 5s get nodes; then
  echo "demo: the cluster answers: it was not wrecked" >&2
  exit 1
fi

chapter "the restore: write the manifest, then run it"
work=$(mktemp -d "$LAB/demo.XXXXXX")
# shellcheck source=/dev/null
. "$LAB/s3.env"
# Keys go by the environment of this one command and never stand on a command line.
AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY show "$etcdrestore" init \
  --config "$LAB/rancher-cluster.yml" --s3 "$S3_ENDPOINT/$S3_BUCKET" --snapshot "$snapshot" \
  --known-hosts "$LAB/known_hosts" -o "$work/restore.yaml"
restore_began=$(date +%s%N)
show "$etcdrestore" run -f "$work/restore.yaml" --state-dir "$work/state"
restored_in=$(seconds_since "$restore_began")

chapter "what came back"
objects
printf 'configmap before-1 says "%s"\n' "$(value)"
"$lab" objects check
show "$lab" kubectl get nodes

printf '\nRestored in %s s: exactly the moment of the snapshot, and none of the later objects.\n' "$restored_in"
printf 'Old data lies on the nodes in /var/lib/etcd-before-…; the manifest and the log in %s\n' "$work"
printf 'The lab is still up: %s help. To remove it without a trace: make lab-down\n' "$lab"
