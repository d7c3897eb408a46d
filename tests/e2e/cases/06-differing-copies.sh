# shellcheck shell=bash disable=SC2034
suite=all
claim="nodes hold different snapshots under one name: one of them is chosen and all members are equal"

test_case() {
  local sums
  wreck etcd-data
  sums=$(for node in $(etcd_nodes); do on "$node" sha256sum /opt/rke/etcd-snapshots/base.zip; done |
    awk '{ print $1 }' | sort -u | wc -l)
  [ "$sums" -gt 1 ] || fail "the lab's copies are equal: nothing would be proved"
  manifest "$case_dir/m.yml"
  only_from_nodes "$case_dir/m.yml"
  restore nodes "$case_dir/m.yml"
  expect_exit 0
  restored
}
