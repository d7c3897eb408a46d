# The same restore on clusters of other shapes. A case sets lab_options, wreck_kind, and
# also() for what it adds.
# shellcheck shell=bash

wreck_kind=etcd-data
change_config() { :; }
also() { :; }

test_case() {
  mkdir "$case_dir/config"
  cp "$LAB"/rancher-cluster.{yml,rkestate} "$case_dir/config/"
  change_config "$case_dir/config/rancher-cluster.yml"
  wreck "$wreck_kind"
  config=$case_dir/config/rancher-cluster.yml manifest "$case_dir/m.yml"
  restore restore "$case_dir/m.yml"
  expect_exit 0
  in_status '.status.plan.strategy == "InPlace"' || fail "not restored in place"
  restored
  also
}
