# shellcheck shell=bash disable=SC2034
suite=all
claim="a dead node is replaced by a new one: Rebuild by the real rke, the old CA, the old Node gone"
add_options=''

ca_of() { on "$1" sha256sum /etc/kubernetes/ssl/kube-ca.pem | cut -d' ' -f1; }

replaced() {
  local ca new address old_address outputs
  wreck quorum
  ca=$(ca_of n1)
  old_address=$(address_of n3)
  lab kill-node n3
  # shellcheck disable=SC2086
  read -r new address < <(lab add-node $add_options)
  note "n3 is off, $new at $address takes its place"
  manifest "$case_dir/m.yml"
  sed -i "s/^  strategy: Auto/&\n  replaceNodes:\n    - {address: $old_address, with: {address: $address, hostnameOverride: $new}}/" \
    "$case_dir/m.yml"
  restore rebuild "$case_dir/m.yml"
  # The lab's own lists follow, so that its checks look at the cluster as it is now.
  sed -i "/^n3 /d; s/^\($new .*\) -$/\1 controlplane,etcd,worker/" "$LAB/nodes"
  expect_exit 0
  in_status '.status.plan.strategy == "Rebuild"' || fail "not rebuilt"
  says "^Written .*cluster.rkestate"
  says "^Written .*kube_config_cluster.yml"
  outputs=$(ls -d "$case_dir"/outputs-*)
  jq -e . "$outputs/cluster.rkestate" >/dev/null || fail "the state that was written is no JSON"
  cp "$outputs/kube_config_cluster.yml" "$LAB/kube_config_rancher-cluster.yml"
  [ "$ca" = "$(ca_of n1)" ] && [ "$ca" = "$(ca_of "$new")" ] || fail "kube-ca changed"
  kube get node "$new" | grep -w Ready || fail "$new is not Ready"
  [ -z "$(kube get node n3 --ignore-not-found)" ] || fail "the Node object of n3 is still there"
  restored
}

# A cluster with another node list is no longer the lab that other cases ask for.
tidy() { touch "$LAB/e2e-broken"; }
test_case() { replaced; }
