# shellcheck shell=bash disable=SC2034
suite=all
claim="an applied Rebuild replaces a dead node; a Secret holds the new rkestate and kubeconfig"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

# A cluster with another node list is no longer the lab that other cases ask for.
tidy() {
  stop_management
  touch "$LAB/e2e-broken"
}
output() { mk get secret "$object-outputs" -n recovery -o json | jq -re ".data[\"$1\"]" | base64 -d; }

# replacing FILE: n3 is dead, $new at $address is to take its place.
replacing() {
  local old_address
  wreck quorum
  old_address=$(address_of n3)
  lab kill-node n3
  read -r new address < <(lab add-node)
  note "n3 is off, $new at $address takes its place"
  manifest "$1"
  sed -i "s/^  strategy: Auto/&\n  replaceNodes:\n    - {address: $old_address, with: {address: $address, hostnameOverride: $new}}/" "$1"
}
# The lab's own lists follow, so that its checks look at the cluster as it is now.
replaced() {
  sed -i "/^n3 /d; s/^\($new .*\) -$/\1 controlplane,etcd,worker/" "$LAB/nodes"
  output kube_config_cluster.yml >"$LAB/kube_config_rancher-cluster.yml"
  of_object '.status.plan.strategy == "Rebuild"' || fail "not rebuilt"
  kube get node "$new" | grep -w Ready || fail "$new is not Ready"
  [ -z "$(kube get node n3 --ignore-not-found)" ] || fail "the Node object of n3 is still there"
  restored
}

test_case() {
  local new address secret
  start_management
  replacing "$case_dir/m.yml"
  start_operator first
  apply "$case_dir/m.yml"
  succeeds 900
  secret=secret/$object-outputs
  of_object ".status.outputs == {clusterState: \"$secret\", kubeconfig: \"$secret\"}" ||
    fail "status.outputs: $(of_object .status.outputs)"
  output cluster.rkestate | jq -e ".currentState.rkeConfig.nodes | map(.address) | index(\"$address\")" ||
    fail "the new state does not know $new"
  mk get "$secret" -n recovery -o json | jq -e ".metadata.ownerReferences[0].name == \"$object\"" ||
    fail "the Secret has no owner"
  replaced
  note "$secret: $(mk get "$secret" -n recovery -o json | jq -c '.data | map_values(length)')"
}
