# Objects made before and after a snapshot prove what a restore brought back.
# shellcheck shell=bash

# object_set KIND: prints the manifests of one set.
object_set() {
  local kind=$1 number
  for number in 1 2 3 4 5; do
    cat <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: $kind-$number, namespace: lab, labels: {set: $kind}}
data: {value: "$kind $number"}
---
apiVersion: v1
kind: Secret
metadata: {name: $kind-$number, namespace: lab, labels: {set: $kind}}
stringData: {value: "secret $kind $number"}
---
END
  done
  cat <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: $kind-web, namespace: lab, labels: {set: $kind}}
spec:
  replicas: 2
  selector: {matchLabels: {app: $kind-web}}
  template:
    metadata: {labels: {app: $kind-web, set: $kind}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: $PLAIN_IMAGE, imagePullPolicy: Never}]
END
}

objects_before() {
  kube create namespace lab --dry-run=client -o yaml | kube apply -f - >/dev/null
  wait_for 30 "the default service account" kube -n lab get serviceaccount default
  object_set before | kube apply -f - >/dev/null
  kube -n lab rollout status deployment/before-web --timeout 120s >/dev/null
  say "objects before: made"
}

# What happens after the snapshot: things are made, changed and deleted.
objects_after() {
  object_set after | kube apply -f - >/dev/null
  kube -n lab patch configmap before-1 --type merge -p '{"data":{"value":"changed"}}' >/dev/null
  kube -n lab delete secret before-2 --ignore-not-found >/dev/null
  kube -n lab rollout status deployment/after-web --timeout 120s >/dev/null
  say "objects after: made; configmap before-1 changed, secret before-2 deleted"
}

expect() {
  local what=$1 want=$2 have=$3
  [ "$want" = "$have" ] || { say "check failed: $what is '$have', not '$want'"; return 1; }
}

# objects_check: exactly the state of the moment between "before" and "after".
objects_check() {
  local bad=0 number
  wait_for 60 "the API server" kube get --raw /readyz || return 1
  for number in 1 2 3 4 5; do
    expect "configmap before-$number" "before $number" \
      "$(kube -n lab get configmap "before-$number" -o 'jsonpath={.data.value}' 2>&1)" || bad=1
    expect "secret before-$number" "secret before $number" \
      "$(kube -n lab get secret "before-$number" -o 'jsonpath={.data.value}' | base64 -d 2>&1)" || bad=1
  done
  expect "the list of later objects" "" \
    "$(kube -n lab get configmaps,secrets,deployments -l set=after -o name)" || bad=1
  [ $bad = 0 ] || { say "check FAILED"; return 1; }
  wait_for 90 "ready nodes" nodes_ready || bad=1
  kube -n lab rollout status deployment/before-web --timeout 90s >/dev/null || bad=1
  wait_for 90 "the end of later pods" \
    sh -c "! '$KUBE_BIN/kubectl' --kubeconfig '$LAB/kube_config_rancher-cluster.yml' -n lab get pods -l set=after -o name | grep -q ." || bad=1
  pod_runs || bad=1
  [ $bad = 0 ] || { say "check FAILED"; return 1; }
  say "check passed"
}

# A pod made now gets scheduled, started and ready: controllers, scheduler and kubelet all work.
pod_runs() {
  local name
  name=check-$(date +%s)
  kube -n lab run "$name" --image "$PLAIN_IMAGE" --image-pull-policy Never --restart Never >/dev/null
  kube -n lab wait --for condition=Ready "pod/$name" --timeout 90s >/dev/null || {
    say "check failed: pod $name does not run"
    return 1
  }
  kube -n lab delete pod "$name" --wait=false --grace-period 1 >/dev/null
}
