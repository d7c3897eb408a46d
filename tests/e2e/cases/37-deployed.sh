# shellcheck shell=bash disable=SC2034
suite=all
claim="kubectl apply -k runs the operator as a restricted pod that leads and acts; delete -k removes it"
# shellcheck source=/dev/null
. "$e2e_dir/lib_management.sh"

# The lab's own cluster is the management cluster here: kubelets, a scheduler, kube-proxy and admission are
# real. What it lacks is given from outside, and manifests/default is applied as it is shipped:
# - the image, on every node, as if pulled;
# - a volume, as an administrator makes it where there is no storage class;
# - routes between the pods' networks, as a network plugin makes them. Nothing enforces NetworkPolicies.
deployed=$repository/manifests/default
space=etcdrestore-system
state=/var/lib/rancher/etcdrestore-test # RKE's kubelet, itself a container, sees this folder
in_cri() { lab ssh "$1" ctr -a /run/cri-dockerd.sock -n k8s.io images "${@:2}"; }

tidy() {
  local node
  mk delete -k "$deployed" --ignore-not-found --wait=false >/dev/null
  mk delete pv/etcdrestore-test namespace/recovery --ignore-not-found >/dev/null
  routes del
  for node in $(cluster_nodes); do
    in_cri "$node" rm "docker.io/library/$image" >/dev/null
    on "$node" rm -rf "$state"
  done
}

# routes replace|del: the lab gives node nX the pods 10.42.X.0/24.
routes() {
  local from to
  for from in $(cluster_nodes); do
    for to in $(cluster_nodes); do
      [ "$from" = "$to" ] || on "$from" ip route "$1" "10.42.${to#n}.0/24" via "$(address_of "$to")"
    done
  done
}

prepare() {
  local node
  management=$case_dir/management
  mkdir -p "$management"
  cp "$LAB/kube_config_rancher-cluster.yml" "$management/admin.yaml"
  kubectl=("$kube_bin/kubectl" --kubeconfig "$management/admin.yaml" --cache-dir "$management/cache")
  image=$(sed -n 's/^ *image: //p' "$deployed/deployment.yaml")
  "$repository/tests/image/image.sh" pack "$program" "$case_dir/image.tar" || fail "no image"
  for node in $(cluster_nodes); do in_cri "$node" import - <"$case_dir/image.tar"; done
  routes replace
  on n1 mkdir -p "$state"
  mk apply -f - <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: etcdrestore-test}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: $space, name: etcdrestore-state}
  local: {path: $state}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n1]}]
END
  mk create namespace recovery
}

pod() { mk get pods -n "$space" -o json | jq -re ".items[0]$1"; }
leads() { # the one pod that there is
  mk get lease -n "$space" etcdrestore-operator -o jsonpath='{.spec.holderIdentity}' | grep "^$(pod .metadata.name)_"
}
available() { mk wait -n "$space" --for condition=Available deployment/etcdrestore-operator --timeout 120s; }
# The kubelet's own count.
alive() {
  mk get --raw /api/v1/nodes/n1/proxy/metrics/probes |
    grep "$(pod .metadata.name)" | grep 'probe_type="Liveness",result="successful"'
}

# What the kernel says of the process, not what the manifest asks for.
is_restricted() {
  local process status line
  process=$(on n1 pgrep -f "'^/usr/local/bin/etcdrestore operator'")
  status=$(on n1 cat "/proc/$process/status" "/proc/$process/mountinfo")
  for line in 'Uid:.65532.65532.65532.65532' 'Gid:.65532.65532.65532.65532' 'CapEff:.0*' 'CapBnd:.0*' \
    'NoNewPrivs:.1' 'Seccomp:.2' '.* / / ro,.* - overlay .*'; do
    grep -qxE "$line" <<<"$status" || fail "the operator's process is not restricted: no $line in $status"
  done
  ! mk run naked -n "$space" --image "$image" --dry-run=server 2>"$case_dir/naked" ||
    fail "the namespace lets any pod in"
  grep -q 'violates PodSecurity "restricted' "$case_dir/naked" || fail "refused, but why: $(cat "$case_dir/naked")"
}

# From another node, as Prometheus and a person would.
is_watched() {
  local metrics
  metrics=$(on n2 curl -sf "http://$(pod .status.podIP):8080/metrics") || fail "no answer from /metrics"
  grep -x 'leader_election_master_status{name="etcdrestore-operator"} 1' <<<"$metrics" || fail "metrics: not leading"
  grep "^etcdrestore_restore_phase{.*name=\"$object\".*phase=\"AwaitingApproval\".*} 1$" <<<"$metrics" ||
    fail "metrics: $object does not wait"
}

# One object waits for its Secret, the other, on healthy nodes, for approval: SSH from the pod looked at
# them and prepared the snapshot. A cluster cannot restore itself, so it ends there.
has_objects() {
  mk apply -f "$repository/manifests/samples/in-place/restore.yaml" >/dev/null
  object=staging-bad-data
  wait_until 30 "the object without its Secret" reason_is ReferenceNotFound
  note "Pending: $(of_object '.status.conditions[] | select(.type == "Ready") | .message' | head -1)"
  manifest "$case_dir/m.yml"
  only_from_nodes "$case_dir/m.yml"
  apply "$case_dir/m.yml"
  wait_until 120 "a plan that waits for approval" phase_is AwaitingApproval
  note "AwaitingApproval: $(of_object .status.plan.summary[0])"
}

test_case() {
  local first
  base_snapshot
  prepare
  remember_cluster
  mk apply -k "$deployed"
  available || fail "the Deployment is not available: $(mk describe pods -n "$space")"
  wait_until 30 "the Lease" leads
  is_restricted
  has_objects
  is_watched

  first=$(pod .metadata.name)
  mk rollout restart deployment/etcdrestore-operator -n "$space"
  mk rollout status deployment/etcdrestore-operator -n "$space" --timeout 120s || fail "no second pod"
  [ "$(pod .metadata.name)" != "$first" ] || fail "the pod is still the first"
  wait_until 30 "the Lease of the second pod" leads
  cli cancel "$object"
  wait_until 60 "the end of the cancelled run" phase_is Cancelled
  cluster_unchanged
  wait_until 90 "a liveness probe that passed" alive
  pod '.status.containerStatuses[0].restartCount == 0' || fail "the operator was restarted"

  mk delete -k "$deployed" --timeout 120s || fail "delete -k does not end"
  ! mk get namespaces,crds,clusterroles,clusterrolebindings -o name | grep etcdrestore || fail "the above is left"
}
