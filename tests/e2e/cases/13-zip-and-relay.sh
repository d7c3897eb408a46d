# shellcheck shell=bash disable=SC2034
suite=all
claim="a zip from S3 is restored, also by nodes without curl and wget, or with broken ones: it is relayed"

tidy() {
  local node
  for node in $(cluster_nodes); do
    on "$node" 'umount /usr/bin/curl /usr/bin/wget 2>/dev/null' || true
  done
}

test_case() {
  local node
  base_snapshot
  lab s3 -q put "$LAB/snapshots/base.zip" s3://etcd-snapshots/zipped.zip
  wreck etcd-data
  manifest "$case_dir/m.yml" zipped
  only_from_s3 "$case_dir/m.yml"
  # n1 has programs that fail, the others files that cannot be run.
  for node in $(cluster_nodes); do
    on "$node" "for p in curl wget; do mount --bind $([ "$node" = n1 ] && echo /usr/bin/false || echo /dev/null) /usr/bin/\$p; done"
  done
  restore relayed "$case_dir/m.yml"
  expect_exit 0
  restored
}
