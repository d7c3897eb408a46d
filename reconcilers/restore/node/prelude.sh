# Runs on a node as root under `sh`, fed by the operator: prelude, then look or acts, then `main "$@"`.
# Arguments are key=value words. Ends with one line: `@@ok`, or `@@fail REASON TEXT`; the exit code alone
# proves nothing.
set -u
umask 077
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKER_HOST=unix:///var/run/docker.sock
STATE=/opt/rke/.etcdrestore
HOLDER='' CLUSTER='' RUN='' PREFIX='' REPLACE='' IMAGE='' HASH_STAGED='' HASH_DATA='' IMAGES='' ETCD='' API=''
KUBE_NODES='' HEALTH='' HASH_REVISION=0 SIZE='' SHA='' NAME='' PEER='' PEERS='' TOKEN='' BUMP=0 OWNER='' JSON='' NAMES='' POLICIES='' DB='' STATUS='' VOLUMES='' KEPT_BY='' THEN_LOOK='' HAS_CURL=''

say() { printf '%s\n' "$*"; }
value() { printf '%s\t%s\n' "$1" "$2"; }
fail() {
  printf '@@fail %s %s\n' "$1" "$(printf '%s' "$2" | tr '\n\t' '  ' | tail -c 1500)"
  exit 1
}
ok() {
  [ -z "$THEN_LOOK" ] || { THEN_LOOK='' && exec 9>&- && look; }
  say '@@ok'
  exit 0
}

# A gate whose tool is missing would pass without having looked.
need_tools() {
  for tool in awk cat cut date df dirname find flock head sed sha256sum sort stat sync tail timeout tr; do
    command -v "$tool" >/dev/null || fail ToolMissing "this node has no working '$tool'; install it"
  done
}

read_arguments() {
  for word in "$@"; do
    case $word in
      holder=*) HOLDER=${word#*=} ;;
      cluster=*) CLUSTER=${word#*=} ;;
      run=*) RUN=${word#*=} ;;
      prefix=*) PREFIX=${word#*=} ;;
      replace=*) REPLACE=${word#*=} ;;
      image=*) IMAGE=${word#*=} ;;
      hash_staged=*) HASH_STAGED=${word#*=} ;;
      hash_data=*) HASH_DATA=${word#*=} ;;
      images=*) IMAGES=${word#*=} ;;
      hash_revision=*) HASH_REVISION=${word#*=} ;;
      etcd=*) ETCD=${word#*=} ;;
      api=*) API=${word#*=} ;;
      kube_nodes=*) KUBE_NODES=${word#*=} ;;
      health=*) HEALTH=${word#*=} ;;
      size=*) SIZE=${word#*=} ;;
      sha=*) SHA=${word#*=} ;;
      name=*) NAME=${word#*=} ;;
      peer=*) PEER=${word#*=} ;;
      peers=*) PEERS=${word#*=} ;;
      token=*) TOKEN=${word#*=} ;;
      bump=*) BUMP=${word#*=} ;;
      owner=*) OWNER=${word#*=} ;;
      json=*) JSON=${word#*=} ;;
      db=*) DB=${word#*=} ;;
      status=*) STATUS=${word#*=} ;;
      socket=*) DOCKER_HOST=unix://${word#*=} ;;
      kept=*) KEPT_BY=${word#*=} ;;
      volumes=*) VOLUMES=${word#*=} ;;
      then_look=*) THEN_LOOK=${word#*=} ;;
      names=*) NAMES=${word#*=} ;;
      policies=*) POLICIES=${word#*=} ;;
      *) fail BadArgument "unknown argument $word" ;;
    esac
  done
  case $RUN in '' | *[!a-zA-Z0-9.-]* | .*) fail BadArgument "run name '$RUN'" ;; esac
  case $PREFIX in '' | /*) ;; *) fail BadArgument "prefix '$PREFIX'" ;; esac
  export DOCKER_HOST
  set_paths
}

# The fixed places. Old and new data stay on the data directory's own file system, so that two renames do
# the change: beside it, or inside it where it is a mount point (etcd only warns about other entries).
set_paths() {
  DATA=$PREFIX/var/lib/etcd
  KUBE=$PREFIX/etc/kubernetes
  DIR=$STATE/runs/$RUN
  STAGED=$DIR/snapshot.db
  if is_mount "$DATA"; then
    KEPT=$DATA/.before-$RUN RESTORED=$DATA/.restored-$RUN
  else
    KEPT=$DATA-before-$RUN RESTORED=$DATA-restored-$RUN
  fi
}

is_mount() { awk -v at="$1" '$5 == at { found = 1 } END { exit !found }' /proc/self/mountinfo; }
clock() { date +%s.%N; }
# A curl that is there and does not start is none. Tried once.
has_curl() {
  [ -n "$HAS_CURL" ] || { curl --version >/dev/null 2>&1 && HAS_CURL=yes || HAS_CURL=no; }
  [ "$HAS_CURL" = yes ]
}
has_wget() { case $(wget --help 2>&1) in *-O*) ;; *) return 1 ;; esac; }
docker_() { timeout 60 docker "$@"; }

# Every act: one at a time on this node, and only while the node is held by the caller.
only_holder() {
  mkdir -p "$DIR" || fail DiskError "mkdir $DIR failed"
  exec 9>>"$STATE/lock" || fail DiskError "open $STATE/lock failed"
  flock -w 20 9 || fail NodeBusy "another act still runs on this node under $STATE/lock"
  held=$(head -n 1 "$STATE/lock" | cut -d'|' -f1)
  [ "$held" = "$HOLDER" ] || fail LockLost "the node is held by '$held', not by this process '$HOLDER'"
  write_lock
}
write_lock() { printf '%s|%s|%s\n' "$HOLDER" "$CLUSTER" "$(clock)" >"$STATE/lock"; }

# Name, running and policy of one container: "missing", "running always", "stopped no".
container_state() {
  state=$(docker_ inspect -f '{{if .State.Running}}running{{else}}stopped{{end}} {{.HostConfig.RestartPolicy.Name}}' "$1" 2>&1) ||
    case $state in *'o such object'* | *'o such container'*) state=missing ;; *) state="unknown $state" ;; esac
  say "$state"
}

# Data is moved only while nothing can write it: a gate of its own on the node, whatever the caller saw.
no_etcd() {
  state=$(container_state etcd)
  case $state in missing | 'stopped no' | 'stopped ') ;; *) fail EtcdNotStopped "container etcd is '$state'; data is moved only when it is stopped with restart policy no" ;; esac
}
