# shellcheck shell=bash disable=SC2034
suite=quick
claim="a healthy cluster is not restored without approval: exit 5, the loss is named, nothing changes"

test_case() {
  local before after
  base_snapshot
  lab objects after
  manifest "$case_dir/m.yml"
  remember_cluster
  before=$(etcd_revision n1)
  restore healthy "$case_dir/m.yml"
  expect_exit 5
  says "approval is needed"
  says "[0-9]+ writes since the snapshot"
  says "--approve [0-9a-f]+"
  cluster_unchanged
  after=$(etcd_revision n1)
  [ "$after" -gt "$before" ] || fail "etcd stopped writing: revision $before, then $after"
  [ -n "$(kube -n lab get configmap after-1 -o name)" ] || fail "a later object is gone"
}
