# Brings the lab up, adds nodes, shows it and takes it down.
# shellcheck shell=bash

marker() { echo "$LAB/.etcdrestore-lab"; }

# take_lock: one up, down or add-node at a time.
take_lock() {
  flock -w 900 "$lab_lock" || die "another lab command is still at work"
}

up() {
  local nodes=3 workers=0 roles='' user=root uid='' disk=no options="$*" node
  while [ $# -gt 0 ]; do
    case $1 in
    --nodes) nodes=$2 && shift ;;
    --workers) workers=$2 && shift ;;
    --roles) roles=$2 && shift ;;
    --user) user=$2 && shift ;;
    --etcd-uid) uid=$2 && shift ;;
    --etcd-disk) disk=yes ;;
    *) die "unknown option of up: $1" ;;
    esac
    shift
  done
  case $user in root | rancher | ubuntu) ;; *) die "rke cannot work as user $user" ;; esac
  build_all
  make_golden
  if [ -f "$LAB/complete" ]; then
    [ "$(cat "$LAB/complete")" = "$options" ] ||
      die "the lab is up with other options ($(cat "$LAB/complete")): run 'lab down' first"
    say "the lab exists: starting what is not running"
  else
    [ ! -f "$(marker)" ] || { say "an unfinished lab is in the way"; down; }
    [ ! -e "$LAB" ] || rmdir "$LAB" 2>/dev/null || die "$LAB exists and is no lab"
    (umask 022 && mkdir -p "$LAB/node")
    touch "$(marker)"
    plan_nodes "$nodes" "$workers" "$roles"
    ssh-keygen -q -t rsa -b 3072 -m PEM -N '' -C lab -f "$LAB/id_rsa"
    for node in $(node_names); do make_node "$node" yes "$disk" & done
    wait_all || die "preparing the nodes failed"
    write_cluster_yml "$user" "$uid"
  fi
  start_all
  if [ ! -f "$LAB/complete" ]; then
    rke_up
    for node in $(cluster_nodes); do extra_containers "$node" & done
    wait_all || die "starting the extra containers failed"
  fi
  wait_for 120 "ready nodes" nodes_ready || die "nodes are not ready"
  echo "$options" >"$LAB/complete"
  say "the lab is up in $LAB: $(node_names | tr '\n' ' ')"
}

make_node() {
  local node=$1 images=$2 disk=$3
  node_files "$node" "$images"
  [ "$disk" = no ] || { truncate -s 512M "$(node_dir "$node")/disk/etcd.img" &&
    mkfs.ext4 -q "$(node_dir "$node")/disk/etcd.img"; }
}

start_all() {
  local node
  net_up
  s3_up
  for node in $(node_names); do start_node "$node"; done
  cat "$LAB"/node/*/known_hosts >"$LAB/known_hosts"
  for node in $(node_names); do wait_for 60 "node $node" node_ready "$node" & done
  wait_all || die "a node did not become ready"
  say "nodes are up: $(node_names | tr '\n' ' ')"
}

# add_node [--no-images]: a new blank machine, known to nobody.
add_node() {
  local images=yes number node disk=no
  [ "${1:-}" != --no-images ] || images=no
  make_golden
  number=$(($(node_names | tr -d n | sort -n | tail -1) + 1))
  node=n$number
  ls "$LAB"/node/*/disk/etcd.img >/dev/null 2>&1 && disk=yes
  echo "$node $NET.$((10 + number)) -" >>"$LAB/nodes"
  make_node "$node" $images $disk
  start_all
  echo "$node $(node_address "$node")"
}

status() {
  local node state
  [ -f "$(marker)" ] || die "no lab in $LAB"
  s3_pid >/dev/null && echo "s3     $NET.1:$S3_PORT  running" || echo "s3     $NET.1:$S3_PORT  down"
  for node in $(node_names); do
    state=down
    node_pid "$node" >/dev/null && state=running
    ip -o link show "$(link_of "$node")" 2>/dev/null | grep "master $BRIDGE" >/dev/null ||
      state="$state, cut off"
    printf '%-6s %-14s %-28s %s\n' "$node" "$(node_address "$node")" "$(node_field "$node" 3)" "$state"
  done
  timeout 10 "$KUBE_BIN/kubectl" --kubeconfig "$LAB/kube_config_rancher-cluster.yml" get nodes \
    --request-timeout 5s || true
}

# down ends only what carries this lab's mark in its environment or in its pid files.
down() {
  local node pid file root
  for node in "$LAB"/node/*/; do stop_node "$(basename "$node")"; done
  pid=$(s3_pid) && kill "$pid"
  for file in $(grep -lsz "^ETCDRESTORE_LAB_NODE=$LAB/" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    kill -9 "${pid%/environ}" 2>/dev/null || true
  done
  net_down
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -d "$root/etcdrestore-$BRIDGE" ] || continue
    wait_for 10 "empty cgroups" remove_cgroup "$root/etcdrestore-$BRIDGE" || true
  done
  if [ -f "$(marker)" ]; then wait_for 10 "removable files" rm -rf "$LAB"; fi
  say "the lab is down"
}

remove_cgroup() { find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null; [ ! -d "$1" ]; }
