# shellcheck shell=bash disable=SC2034
suite=all
claim="dockerd coming back in the middle of a run starts nothing that must be down"

running_on() { on "$1" "docker ps --format '{{.Names}}'" | sort; }

# after STEP NAME...: with the program killed at STEP and n2's dockerd restarted, none of NAME runs.
after() {
  local step=$1 name
  shift
  kill_at "$step" "$case_dir/m.yml"
  lab restart-dockerd n2
  for name in "$@"; do
    ! running_on n2 | grep -qx "$name" || fail "after $step dockerd started $name on n2"
  done
}

test_case() {
  wreck etcd-data
  manifest "$case_dir/m.yml"
  after WritersStopped etcd
  after OldDataAside etcd kube-apiserver kube-controller-manager kube-scheduler
  after InPlace etcd kube-apiserver kube-controller-manager kube-scheduler
  after Recorded etcd kube-apiserver kube-controller-manager kube-scheduler
  after EtcdStarted kube-apiserver kube-controller-manager kube-scheduler
  after ApiServersStarted kube-controller-manager kube-scheduler
  restore end "$case_dir/m.yml"
  expect_exit 0
  restored
}
