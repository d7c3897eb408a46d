# shellcheck shell=bash disable=SC2034
suite=all
claim="two of three etcd nodes are gone: a person is asked first, then both are replaced"

tidy() { touch "$LAB/e2e-broken"; }

# replacement OLD -> one item of replaceNodes; OLD is off from now on.
replacement() {
  local old_address new address
  old_address=$(address_of "$1")
  lab kill-node "$1"
  read -r new address < <(lab add-node)
  printf '    - {address: %s, with: {address: %s, hostnameOverride: %s}}\n' "$old_address" "$address" "$new"
  # The lab's own lists follow, so that its checks look at the cluster as it is now.
  sed -i "/^$1 /d; s/^\($new .*\) -$/\1 controlplane,etcd,worker/" "$LAB/nodes"
}

test_case() {
  local plan
  wreck quorum
  { echo '  replaceNodes:' && replacement n2 && replacement n3; } >"$case_dir/replace"
  manifest "$case_dir/m.yml"
  sed -i "/^  strategy: Auto/r $case_dir/replace" "$case_dir/m.yml"
  restore asked "$case_dir/m.yml"
  expect_exit 5
  says "2 of 3 etcd nodes"
  says "second cluster"
  [ -z "$(on n1 'ls -d /var/lib/etcd-before-*' 2>/dev/null)" ] || fail "data was moved without approval"
  plan=$(grep -oE -- '--approve [0-9a-f]+' "$output" | head -1 | cut -d' ' -f2)
  restore approved "$case_dir/m.yml" --approve "$plan"
  expect_exit 0
  cp "$(ls -d "$case_dir"/outputs-*)/kube_config_cluster.yml" "$LAB/kube_config_rancher-cluster.yml"
  in_status '.status.outputs.kubeconfig' | xargs test -s || fail "status.outputs does not name the kubeconfig"
  [ "$(kube get nodes --no-headers | awk '$2 == "Ready"' | wc -l)" = 3 ] || fail "not three nodes are Ready"
  [ -z "$(kube get node n2 n3 --ignore-not-found)" ] || fail "a Node object of a dead node is still there"
  restored
}
