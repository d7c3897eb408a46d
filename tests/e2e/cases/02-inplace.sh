# shellcheck shell=bash disable=SC2034
suite=quick
claim="after the loss of all etcd data one command brings back the snapshot, and only that"

network_and_customer() {
  local node
  for node in $(cluster_nodes); do
    on "$node" "docker inspect -f '{{.Name}} {{.State.StartedAt}}' \$(docker ps -q --filter 'name=$1')" | sed "s/^/$node /"
  done
}

test_case() {
  local node customer network path old
  wreck etcd-data
  customer=$(network_and_customer customer-db)
  network=$(network_and_customer 'k8s_(kube-flannel|calico)')
  for node in $(etcd_nodes); do on "$node" 'mkdir -p /var/lib/etcd/member; touch /var/lib/etcd/member/old'; done
  manifest "$case_dir/m.yml"
  restore restore "$case_dir/m.yml"
  expect_exit 0
  says "^DONE"
  in_status '.status.phase == "Succeeded"' || fail "status does not say Succeeded"
  in_status '.status.plan.strategy == "InPlace"' || fail "not restored in place"
  restored
  [ "$customer" = "$(network_and_customer customer-db)" ] || fail "the user's container was touched"
  [ -z "$(comm -12 <(sort <<<"$network") <(network_and_customer 'k8s_(kube-flannel|calico)' | sort))" ] ||
    fail "a network container was not restarted"
  for node in $(etcd_nodes); do
    path=$(in_status ".status.nodes[] | select(.name == \"$node\") | .oldDataPath")
    says "$node +$path"
    old=$(on "$node" "find $path -name old")
    [ -n "$old" ] || fail "old data of $node is not in $path"
  done

  remember_cluster
  restore again "$case_dir/m.yml"
  expect_exit 0
  says "this run finished at"
  says "nothing was done"
  cluster_unchanged

  sed -i 's/^  strategy: Auto/  strategy: InPlace/' "$case_dir/m.yml"
  restore other-spec "$case_dir/m.yml"
  expect_exit 2
  says "RunIDReused"
  says "new runID"
  cluster_unchanged
}
