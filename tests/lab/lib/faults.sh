# What goes wrong with real clusters, on request.
# shellcheck shell=bash

on_each() {
  local nodes=$1 node
  shift
  for node in $nodes; do in_node "$node" "$@" & done
  wait_all
}

wait_all() {
  local bad=0 job
  for job in $(jobs -p); do wait "$job" || bad=1; done
  return $bad
}

fill_disk() {
  local node=$1 path=${2:-/opt/rke}
  if [ -f "$(node_dir "$node")/disk/etcd.img" ] && [ "$path" = /var/lib/etcd ]; then
    in_node "$node" sh -c 'dd if=/dev/zero of=/var/lib/etcd/lab-filler bs=64k 2>/dev/null; true'
  else
    # The node's own disk is the machine's: a small file system over the folder takes its place.
    in_node "$node" sh -c "
      mkdir -p $path; mountpoint -q $path && exit 0
      mkdir -p /run/lab-fill; mount -t tmpfs -o size=\$((\$(du -sk $path | cut -f1) + 512))k tmpfs /run/lab-fill
      cp -a $path/. /run/lab-fill/; mount --bind /run/lab-fill $path; umount /run/lab-fill
      dd if=/dev/zero of=$path/lab-filler bs=64k 2>/dev/null; true"
  fi
  say "$path of $node is full"
}

free_disk() {
  local node=$1 path=${2:-/opt/rke}
  in_node "$node" sh -c "rm -f $path/lab-filler; [ $path = /var/lib/etcd ] || umount -l $path"
  say "$path of $node has room again"
}

# diverge NODE: restores the member from this node's own copy of the newest snapshot, which differs
# from every other node's: what a runbook without one common file does.
diverge() {
  local node=$1 name
  name=$(in_node "$node" sh -c 'ls -t /opt/rke/etcd-snapshots/*.zip | head -1')
  [ -n "$name" ] || die "$node has no snapshot: take one first"
  in_node "$node" cat "$name" >"$LAB/diverge-$node.zip"
  unzip -p "$LAB/diverge-$node.zip" "/backup/$(basename "$name" .zip)" >"$LAB/diverge-$node"
  in_node "$node" sh -c 'cat >/run/lab-snapshot' <"$LAB/diverge-$node"
  rm "$LAB/diverge-$node" "$LAB/diverge-$node.zip"
  in_node "$node" sh -ec '
    docker stop -t 5 etcd
    flags=$(docker inspect etcd --format "{{range .Args}}{{println .}}{{end}}" |
      grep -E "^--(name|initial-cluster|initial-cluster-token|initial-advertise-peer-urls)=")
    image=$(docker inspect etcd --format "{{.Config.Image}}")
    docker run --rm --network none -v /var/lib/etcd:/data -v /run/lab-snapshot:/snapshot "$image" \
      /usr/local/bin/etcdutl snapshot restore /snapshot --data-dir /data/.lab $flags
    rm -rf /var/lib/etcd/member /run/lab-snapshot
    chown -R --reference /var/lib/etcd /var/lib/etcd/.lab
    mv /var/lib/etcd/.lab/member /var/lib/etcd/member
    rmdir /var/lib/etcd/.lab
    docker start etcd'
}

wreck() {
  local kind=$1 node first=
  case $kind in
  etcd-data) # every member stopped, its data deleted
    on_each "$(etcd_nodes)" sh -c 'docker stop -t 5 etcd; rm -rf /var/lib/etcd/member' >/dev/null ;;
  empty-members) # etcd was started again on nothing: a healthy and empty cluster
    wreck etcd-data
    on_each "$(etcd_nodes)" docker start etcd >/dev/null ;;
  one-member) # the last etcd node lost its data; quorum holds
    node=$(etcd_nodes | tail -1)
    in_node "$node" sh -c 'docker stop -t 5 etcd; rm -rf /var/lib/etcd/member' >/dev/null ;;
  quorum) # all but the first etcd node lost their data
    first=$(etcd_nodes | head -1)
    on_each "$(etcd_nodes | grep -vx "$first")" \
      sh -c 'docker stop -t 5 etcd; rm -rf /var/lib/etcd/member' >/dev/null ;;
  diverged) # each member restored from its own node's snapshot: healthy, and no two are equal
    for node in $(etcd_nodes); do diverge "$node" >/dev/null 2>&1 & done
    wait_all || die "a member could not be restored" ;;
  corrupt) # bytes in the middle of every database are overwritten
    on_each "$(etcd_nodes)" sh -c '
      db=/var/lib/etcd/member/snap/db; [ -f $db ] || exit 0; docker stop -t 5 etcd
      dd if=/dev/urandom of=$db bs=4096 seek=2 count=$(($(stat -c %s $db) / 8192)) conv=notrunc
      docker start etcd' >/dev/null 2>&1 ;;
  containers) # somebody removed all of RKE's containers; data and certificates are there
    on_each "$(cluster_nodes)" sh -c 'docker rm -f etcd kube-apiserver kube-controller-manager \
      kube-scheduler kubelet kube-proxy nginx-proxy service-sidekick || true' >/dev/null 2>&1 ;;
  cleaned) # the runbook's clean-up was run and nothing came after it
    on_each "$(cluster_nodes)" sh -c 'docker ps -aq --filter label=io.rancher.rke.container.name |
      xargs -r docker rm -fv; rm -rf /etc/kubernetes/ssl /etc/kubernetes/.tmp /var/lib/etcd/* /etc/cni' \
      >/dev/null 2>&1 ;;
  *) die "unknown kind of wreck: $kind (etcd-data empty-members one-member quorum diverged corrupt containers cleaned)" ;;
  esac
  say "wreck: $kind"
}
