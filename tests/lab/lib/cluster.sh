# The RKE cluster: its cluster.yml, "rke up", and the containers a real cluster would also have.
# shellcheck shell=bash

# The mark lets "lab down" find an rke whose lab command was killed; the lock is not inherited.
rke() {
  (
    exec {lab_lock}>&-
    cd "$LAB" || exit
    ETCDRESTORE_LAB_NODE=$LAB/rke exec "$RKE_BIN/rke" "$@"
  )
}
kube() { "$KUBE_BIN/kubectl" --kubeconfig "$LAB/kube_config_rancher-cluster.yml" "$@"; }

# Writes nodes: name, address, roles. Named nodes come first; then --nodes, then --workers.
plan_nodes() {
  local nodes=$1 workers=$2 roles=$3 number=0 item count
  : >"$LAB/nodes"
  if [ -n "$roles" ]; then
    # n1=etcd,n2=controlplane+worker,... ; several roles of one node are joined by +.
    for item in ${roles//,/ }; do
      number=${item%%=*}
      number=${number#n}
      item=${item#*=}
      echo "n$number $NET.$((10 + number)) ${item//+/,}" >>"$LAB/nodes"
    done
    return 0
  fi
  for ((count = 0; count < nodes; count++)); do
    number=$((number + 1))
    echo "n$number $NET.$((10 + number)) controlplane,etcd,worker" >>"$LAB/nodes"
  done
  for ((count = 0; count < workers; count++)); do
    number=$((number + 1))
    echo "n$number $NET.$((10 + number)) worker" >>"$LAB/nodes"
  done
}

write_cluster_yml() {
  local user=$1 uid=$2 name address roles
  {
    echo "cluster_name: lab"
    echo "kubernetes_version: v1.32.2-rancher1-1"
    echo "ignore_docker_version: true"
    echo "enable_cri_dockerd: true"
    echo "nodes:"
    while read -r name address roles; do
      [ "$roles" != - ] || continue
      echo "  - address: $address"
      echo "    hostname_override: $name"
      echo "    user: $user"
      echo "    role: [${roles//,/, }]"
      echo "    ssh_key_path: $LAB/id_rsa"
    done <"$LAB/nodes"
    cat <<END
network: {plugin: none}
dns: {provider: none}
ingress: {provider: none}
monitoring: {provider: none}
services:
  etcd:
    snapshot: false
    backup_config: {enabled: false, interval_hours: 12, retention: 6}
END
    [ -z "$uid" ] || printf '    uid: %s\n    gid: %s\n' "$uid" "$uid"
    cat <<END
  kubeproxy:
    extra_args: {proxy-mode: nftables, conntrack-max-per-core: "0", conntrack-min: "0",
      conntrack-tcp-timeout-established: "0s", conntrack-tcp-timeout-close-wait: "0s"}
END
  } >"$LAB/rancher-cluster.yml"
}

rke_up() {
  local attempt
  say "rke up"
  for attempt in 1 2; do
    if rke up --config rancher-cluster.yml >"$LAB/rke-up.log" 2>&1; then break; fi
    tail -5 "$LAB/rke-up.log" >&2
    [ $attempt = 1 ] || die "rke up failed: see $LAB/rke-up.log"
    say "rke up failed, once more"
  done
  say "rke up is done"
}

nodes_ready() {
  local count
  count=$(kube get nodes --no-headers 2>/dev/null | awk '$2 == "Ready"' | wc -l)
  [ "$count" = "$(awk '$3 != "-"' "$LAB/nodes" | wc -l)" ]
}

# Stand-ins for the network plugin's containers, and one container that is nobody's but the user's.
extra_containers() {
  local node=$1 uid
  uid=$(cat /proc/sys/kernel/random/uuid)
  in_node "$node" sh -c "
    run() { docker inspect \$1 >/dev/null 2>&1 || docker run -d --network none --name \"\$@\" $PLAIN_IMAGE; }
    docker ps -a --format '{{.Names}}' | grep -q k8s_kube-flannel || {
      run k8s_kube-flannel_kube-flannel-${uid:0:5}_kube-system_${uid}_0 --label io.kubernetes.container.name=kube-flannel --label io.kubernetes.pod.namespace=kube-system
      run k8s_calico-node_calico-node-${uid:0:5}_kube-system_${uid}_0 --label io.kubernetes.container.name=calico-node --label io.kubernetes.pod.namespace=kube-system
    }
    run customer-db --restart unless-stopped --label owner=customer" >/dev/null
}
