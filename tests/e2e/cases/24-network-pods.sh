# shellcheck shell=bash disable=SC2034
suite=all
claim="network pods that began before the restore are made anew by the cluster's own API"

tidy() { touch "$LAB/e2e-broken"; }
network_pods() {
  kube get pods -n kube-system -l k8s-app=canal -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp == null) | [.spec.nodeName, .metadata.uid, .status.phase] | join(" ")' | sort
}
all_run() { [ "$(network_pods | grep -c ' Running$')" = "$(cluster_nodes | wc -l)" ]; }
later_than() { [ -z "$(comm -12 <(cut -d' ' -f2 <<<"$1" | sort) <(network_pods | cut -d' ' -f2 | sort))" ]; }

test_case() {
  local image before others
  lab objects before
  image=$(kube get pods -n lab -o json | jq -r '.items[0].spec.containers[0].image')
  kube apply -f - >/dev/null <<YAML
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: canal, namespace: kube-system, labels: {k8s-app: canal}}
spec:
  selector: {matchLabels: {k8s-app: canal}}
  template:
    metadata: {labels: {k8s-app: canal}}
    spec:
      hostNetwork: true
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 0
      containers: [{name: canal, image: "$image", imagePullPolicy: Never}]
YAML
  wait_until 120 "a network pod on each node" all_run
  before=$(network_pods)
  others=$(kube get pods -n lab -o json | jq -r '.items[].metadata.uid' | sort)
  lab snapshot pods || fail "the lab could not make the snapshot"
  lab wreck etcd-data
  manifest "$case_dir/m.yml" pods
  restore restore "$case_dir/m.yml"
  expect_exit 0
  wait_until 60 "a network pod on each node" all_run
  later_than "$before" || fail "a network pod is older than the restore"
  [ "$others" = "$(kube get pods -n lab -o json | jq -r '.items[].metadata.uid' | sort)" ] || fail "another pod was deleted too"
}
