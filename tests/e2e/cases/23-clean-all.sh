# shellcheck shell=bash disable=SC2034
suite=all
claim="clean.containers All removes what is not the cluster's; keepOldDataFor 0s leaves no old data"

tidy() { touch "$LAB/e2e-broken"; }
customers() { on "$1" docker ps -aq --filter name=customer-db; }

test_case() {
  local node run
  wreck corrupt
  for node in $(cluster_nodes); do [ -n "$(customers "$node")" ] || fail "$node has no container of a user"; done
  manifest "$case_dir/m.yml"
  sed -i 's/^  strategy: Auto/  strategy: Rebuild\n  clean: {containers: All, keepOldDataFor: 0s}/' "$case_dir/m.yml"
  run_program plan plan -f "$case_dir/m.yml" --state-dir "$state_dir" -o plain --rke "$rke_program"
  expect_exit 0
  says "ALL containers, also those that are not the cluster's"
  says "containers that are not the cluster's: .*customer-db"
  says "old etcd data in .*as soon as the restore is verified"
  for node in $(cluster_nodes); do [ -n "$(customers "$node")" ] || fail "plan removed something on $node"; done
  restore rebuild "$case_dir/m.yml"
  expect_exit 0
  cp "$(ls -d "$case_dir"/outputs-*)/kube_config_cluster.yml" "$LAB/kube_config_rancher-cluster.yml"
  restored
  run=$(in_status .status.runID)
  for node in $(cluster_nodes); do
    [ -z "$(customers "$node")" ] || fail "$node still has the container of a user"
    # What earlier runs on this lab keep, they have promised to keep.
    [ -z "$(on "$node" "ls -d /var/lib/etcd-before-$run* 2>/dev/null || true")" ] || fail "old data is left on $node"
  done
}
