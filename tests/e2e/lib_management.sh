# A management cluster on loopback for a case: etcd, kube-apiserver, the shipped manifests, and
# operators with the token of the shipped ServiceAccount, so that its roles are what they may do.
# Sourced by cases, which end it in their `tidy`.
# shellcheck shell=bash disable=SC2034

kube_bin=$cache/bin/kubernetes-1.32.2
etcd_bin=$cache/bin/etcd-3.5.35
declare -A pids=()

mk() { "${kubectl[@]}" "$@"; }
cli() { "$program" "$@" --kubeconfig "$management/admin.yaml" -n recovery; }

free_port() {
  local port
  while port=$((RANDOM % 12000 + 20000)); do
    [ -n "$(ss -Hltn "sport = :$port")" ] || { echo "$port" && return; }
  done
}

# spawn NAME COMMAND...: in the background; its words go to NAME.log.
spawn() {
  local name=$1
  shift
  "$@" >>"$management/$name.log" 2>&1 </dev/null &
  pids[$name]=$!
}
kill_hard() {
  [ -n "${pids[$1]:-}" ] || return 0
  kill -9 "${pids[$1]}" 2>/dev/null || true
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
}

start_etcd() {
  local client=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$peer_port
  spawn etcd "$etcd_bin/etcd" --data-dir "$management/etcd" --listen-client-urls "$client" \
    --advertise-client-urls "$client" --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "default=$peer" --unsafe-no-fsync
}
start_api() {
  spawn apiserver "$kube_bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" \
    --secure-port "$api_port" --bind-address 127.0.0.1 --service-cluster-ip-range 10.0.0.0/24 \
    --authorization-mode RBAC --token-auth-file "$management/tokens" --cert-dir "$management/certs" \
    --service-account-issuer https://localhost --service-account-key-file "$management/server.crt" \
    --service-account-signing-key-file "$management/server.key" \
    --disable-admission-plugins ServiceAccount \
    --tls-cert-file "$management/server.crt" --tls-private-key-file "$management/server.key"
  wait_until 180 "the management API server" mk get --raw /readyz --request-timeout 5s
}

write_kubeconfig() { # write_kubeconfig FILE TOKENFILE
  cat >"$1" <<END
apiVersion: v1
kind: Config
current-context: management
clusters:
  - {name: management, cluster: {server: "https://127.0.0.1:$api_port", certificate-authority: "$management/server.crt"}}
users:
  - {name: user, user: {tokenFile: "$2"}}
contexts:
  - {name: management, context: {cluster: management, user: user, namespace: recovery}}
END
}

# Ports, certificates, an administrator's kubeconfig: what its servers need to start.
prepare_management() {
  local secret
  management=$case_dir/management
  mkdir -p "$management"
  kubectl=("$kube_bin/kubectl" --kubeconfig "$management/admin.yaml" --cache-dir "$management/cache")
  etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$management/server.key" -out "$management/server.crt" \
    -subj /CN=management -addext subjectAltName=IP:127.0.0.1 -days 2 2>/dev/null
  secret=$(openssl rand -hex 16)
  echo "$secret,admin,admin,system:masters" >"$management/tokens"
  printf %s "$secret" >"$management/admin.token"
  write_kubeconfig "$management/admin.yaml" "$management/admin.token"
  write_kubeconfig "$management/operator.yaml" "$management/operator.token"
}
start_management() {
  prepare_management
  start_etcd
  start_api
  mk apply -k "$repository/manifests/default" >/dev/null
  mk wait --for condition=Established crd/etcdrestores.etcdrestore.io --timeout 60s >/dev/null
  mk create namespace recovery >/dev/null
  mk create token etcdrestore-operator -n etcdrestore-system --duration 24h >"$management/operator.token"
}

# start_operator NAME: one replica. All share a state folder, as on a volume that many can write.
start_operator() {
  spawn "$1" env -u KUBECONFIG "$program" operator --kubeconfig "$management/operator.yaml" \
    --operator-namespace etcdrestore-system --state-dir "$management/state" --rke "$rke_program" \
    --metrics-bind-address 0 --health-probe-bind-address 0
}

stop_management() {
  local name
  for name in "${!pids[@]}"; do kill_hard "$name"; done
}

# leader: the name of the replica that holds the Lease; fails when none that runs does.
leader() {
  local holder name
  holder=$(mk get lease -n etcdrestore-system etcdrestore-operator -o jsonpath='{.spec.holderIdentity}')
  [ -n "$holder" ] || return 1
  for name in "${!pids[@]}"; do
    if grep -qF "\"identity\":\"$holder\"" "$management/$name.log"; then echo "$name" && return; fi
  done
  return 1
}

# apply FILE: as a user does; the object's name goes to $object.
apply() {
  object=$(awk '/^kind: EtcdRestore/ { ours = 1 } ours && /^  name:/ { print $2; exit }' "$1")
  mk apply -n recovery -f "$1" >"$case_dir/apply.out" || fail "kubectl apply: $(cat "$case_dir/apply.out")"
}
of_object() { mk get etcdrestores -n recovery "$object" -o json | jq -re "$1"; }
phase_is() { of_object ".status.phase | test(\"^($1)\$\")"; }
reason_is() { of_object ".status.conditions[] | select(.type == \"Ready\") | .reason | test(\"^($1)\$\")"; }
status_file() {
  mk get etcdrestores -n recovery "$object" -o json >"$management/object.json"
  echo "$management/object.json"
}
succeeds() { # succeeds SECONDS
  wait_until "$1" "the end of the run" phase_is 'Succeeded|Failed|Rejected|Cancelled'
  phase_is Succeeded || { of_object .status >&2; fail "the run ended as $(of_object .status.phase)"; }
}
# Neither the finalizer nor copies of a run's inputs are left.
holds_nothing() {
  of_object '.metadata | has("finalizers") | not' >/dev/null &&
    [ -z "$(mk get secrets -n etcdrestore-system -o name)" ]
}
# reached NAME STEP: the replica's log tells of the step, or of a later one of those given as a pattern.
reached() { grep -qE "\"step\":\"($2)\"" "$management/$1.log"; }

# Old data with a mark in it, by which it is known wherever somebody moves it.
mark_data() {
  local node
  for node in $(etcd_nodes); do
    on "$node" 'mkdir -p /var/lib/etcd/member; touch /var/lib/etcd/member/old
      stat -c %i /var/lib/etcd/member/old; ls -d /var/lib/etcd-before-* 2>/dev/null | wc -l' >"$case_dir/mark-$node"
  done
}
# Moved once: there is one folder of kept data more, and in it lies the marked file.
data_moved_once() {
  local node mark folders path
  for node in $(etcd_nodes); do
    { read -r mark && read -r folders; } <"$case_dir/mark-$node"
    path=$(in_status ".status.nodes[] | select(.name == \"$node\") | .oldDataPath")
    [ "$(on "$node" "find /var/lib/etcd /var/lib/etcd-* -name old -inum $mark")" = "$path/member/old" ] ||
      fail "old data of $node is not in $path"
    [ "$(on "$node" 'ls -d /var/lib/etcd-before-* | wc -l')" = $((folders + 1)) ] ||
      fail "old data of $node was moved more than once"
  done
}
