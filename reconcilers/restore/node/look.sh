# Prints one fact a line, "key<TAB>value". A fact that could not be read is not printed, or printed as
# <key>_error: never as absent.
CONTAINER='{"name":{{json .Name}},"image":{{json .Config.Image}},"running":{{json .State.Running}},"policy":{{json .HostConfig.RestartPolicy.Name}},"startedAt":{{json .State.StartedAt}},"restarts":{{json .RestartCount}},"labels":{{json .Config.Labels}}{{if eq .Name "/etcd"}},"path":{{json .Path}},"args":{{json .Args}},"mounts":{{json .Mounts}},"user":{{json .Config.User}}{{end}}}'

# Servers that are down answer late: they are asked while the rest is looked at, their answers read after it.
look() {
  value now "$(clock)"
  has_curl || :
  { look_servers | { look_node >&3 && cat; }; } 3>&1
  ok
}
look_servers() {
  [ -n "$API" ] && look_api
  [ -n "$HEALTH" ] && look_health
}
look_node() {
  look_docker
  look_record
  look_data
  [ -f "$KUBE/ssl/kube-ca.pem" ] && value ca "$(tr '\n' '|' <"$KUBE/ssl/kube-ca.pem")"
  if has_curl; then value curl 1; elif has_wget; then value wget 1; fi
  [ -n "$IMAGES" ] && look_images && look_encryption
  [ -n "$ETCD" ] && look_etcd
  return 0
}

look_docker() {
  ids=$(docker_ ps -aq --no-trunc 2>&1) || { docker_is_silent "$ids" && return; }
  [ -z "$IMAGES" ] || value docker "$(docker_ version -f '{{.Server.Version}}' 2>/dev/null)"
  # shellcheck disable=SC2086
  look_containers $ids
}
# look_containers ID...: all of them or none. One that vanished since it was listed is rightly not shown.
look_containers() {
  said='' code=0
  [ $# = 0 ] || said=$(docker_ inspect -f "$CONTAINER" "$@" 2>&1) || code=$?
  known=$(say "$said" | awk '/^[{]/ || tolower($0) ~ /no such (object|container)/ { n++ } END { print n + 0 }')
  if [ "$code" -gt 1 ] || [ "$known" -lt $# ]; then
    docker_is_silent "$(say "$said" | sed '/^[{]/d')"
    return
  fi
  value containers begin
  say "$said" | sed -n '/^[{]/p' | while read -r line; do value container "$line"; done
}
# It is not waited for again.
docker_is_silent() {
  value docker_error "$(printf '%s' "${1:-it does not answer}" | tr '\n' ' ' | tail -c 600)"
  docker_() { return 1; }
}

look_record() {
  [ -e "$STATE/lock" ] && value lock "$(head -n 1 "$STATE/lock")"
  [ -e "$STATE/receipt.json" ] && value receipt "$(tr '\n' ' ' <"$STATE/receipt.json")"
  for old in "$STATE"/runs/*/finished.json; do
    [ -e "$old" ] && value finished "$(tr '\n' ' ' <"$old")"
  done
}

look_data() {
  is_mount "$DATA" && value data_mount 1
  [ -d "$DATA/member" ] && value member "$(cat "$DATA/member/.etcdrestore" 2>/dev/null)"
  [ -d "$KEPT" ] && value kept 1
  [ -d "$RESTORED/member" ] && value restored "$(cat "$RESTORED/member/.etcdrestore" 2>/dev/null)"
  [ -f "$STAGED" ] && value staged_size "$(stat -c %s "$STAGED")"
  [ -n "$HASH_STAGED" ] && [ -f "$STAGED" ] && value staged_sha256 "$(sha256sum <"$STAGED" | cut -c1-64)"
  for old in "$DATA"-before-* "$DATA"/.before-*; do
    [ -d "$old" ] && [ "$old" != "$KEPT" ] && value older_kept "$(stat -c %Y "$old") $old"
  done
  for left in "$KUBE/ssl" "$KUBE/.tmp" /etc/cni /etc/kube-flannel; do
    [ -n "$(ls -A "$left" 2>/dev/null)" ] && value left "$left"
  done
  value data_available "$(available "$DATA")"
  value stage_available "$(available /opt/rke)"
  [ -n "$HASH_DATA" ] && look_database
}
available() {
  at=$1
  while [ ! -d "$at" ]; do at=$(dirname "$at"); done
  df -P -B1 "$at" | awk 'NR == 2 { print $4 }'
}

look_database() {
  for at in "$RESTORED/member" "$DATA/member"; do
    [ -f "$at/snap/db" ] && [ "$(cat "$at/.etcdrestore" 2>/dev/null)" = "$RUN" ] || continue
    value db_sha256 "$(sha256sum <"$at/snap/db" | cut -c1-64)"
    return
  done
}

look_images() {
  docker_ images --format '{{.Repository}}:{{.Tag}}' | while read -r line; do value image "$line"; done
  [ -n "$IMAGE" ] || IMAGE=$(docker_ inspect -f '{{.Config.Image}}' etcd 2>/dev/null)
  [ -n "$IMAGE" ] && docker_ image inspect "$IMAGE" >/dev/null 2>&1 || return 0
  value etcdutl_image "$IMAGE"
  help=$(docker_ run --rm --network none --entrypoint /usr/local/bin/etcdutl "$IMAGE" snapshot restore --help 2>&1)
  code=$?
  case $code:$help in
    0:*--bump-revision*) value etcdutl bump ;;
    0:*) value etcdutl plain ;;
    12[67]:*) value etcdutl missing ;;
    *) value etcdutl "unknown: docker run ended with code $code: $(printf '%s' "$help" | tr '\n' ' ' | tail -c 300)" ;;
  esac
}

# What the API server can decrypt with: names as "provider:key". The keys beside them stay on the node.
look_encryption() {
  args=$(docker_ inspect -f '{{json .Args}}' kube-apiserver 2>/dev/null) || return 0
  value encryption_asked 1
  at=$(flag_of encryption-provider-config)
  [ -n "$at" ] && [ -r "$PREFIX$at" ] || return 0
  awk '
    { sub(/^[ -]*/, ""); gsub(/["\047]/, "") }
    /^[a-z]+:/ { word = substr($1, 1, index($1, ":") - 1) }
    word ~ /^(aescbc|aesgcm|secretbox|kms)$/ { provider = word; word = "" }
    /^name:/ && provider != "" { print provider ":" $2 }
  ' "$PREFIX$at" | while read -r line; do value encryption_key "$line"; done
}

# Over etcd's own HTTP where that answers: one process instead of six in the container.
look_etcd() {
  value etcd_asked 1
  look_etcd_http || look_etcd_tool
}
look_etcd_http() {
  has_curl && args=$(docker_ inspect -f '{{json .Args}}' etcd 2>/dev/null) || return
  ca=$PREFIX$(flag_of trusted-ca-file) cert=$PREFIX$(flag_of cert-file) key=$PREFIX$(flag_of key-file)
  status=$(etcd_post 'maintenance/status {}') || return
  status="[{\"Status\":$status}]"
  # Without a leader the rest would be waited for in vain.
  case $status in *'"leader":'[1-9]*) ;; *) value etcd_status "$status" && return ;; esac
  answers=$(etcd_post 'kv/range {\"key\":\"Lw==\",\"range_end\":\"MA==\",\"count_only\":true}' \
    "maintenance/hashkv {\\\"revision\\\":$HASH_REVISION}" 'cluster/member/list {}' 'maintenance/alarm {}') || return
  value etcd_status "$status"
  [ "$HASH_REVISION" = 0 ] || value etcd_hash_revision "$HASH_REVISION"
  value etcd_count "$(printf '%s' "$answers" | sed -n '1s/.*"count":\([0-9]*\).*/\1/p')"
  value etcd_hash "[{\"HashKV\":$(printf '%s' "$answers" | sed -n 2p)}]"
  value etcd_members "$(printf '%s' "$answers" | sed -n 3p)"
  value etcd_alarms "$(printf '%s' "$answers" | sed -n 4p)"
}
# etcd_post 'PATH BODY'...: one answer a line; its numbers, which come quoted, as etcdctl prints them.
etcd_post() {
  next=''
  said=$(for question in "$@"; do
    printf '%surl = "https://127.0.0.1:2379/v3/%s"\ndata = "%s"\ncacert = "%s"\ncert = "%s"\nkey = "%s"\nwrite-out = "\\n"\nmax-time = 5\nfail\nsilent\n' \
      "$next" "${question%% *}" "${question#* }" "$ca" "$cert" "$key"
    next='next
'
  done | curl --fail-early -K - 2>/dev/null) && printf '%s' "$said" | sed 's/"\(-\{0,1\}[0-9][0-9]*\)"/\1/g'
}
# flag_of NAME: its value in $args, a JSON list of words.
flag_of() { printf '%s' "$args" | tr ',' '\n' | sed -n "s/^.*--$1=\([^\"]*\)\".*\$/\1/p"; }

etcdctl_() { timeout 20 docker exec -e ETCDCTL_API=3 etcd etcdctl --command-timeout=5s "$@" 2>&1; }
look_etcd_tool() {
  if ! status=$(etcdctl_ endpoint status -w json); then
    value etcd_error "$(printf '%s' "$status" | tr '\n' ' ' | tail -c 600)"
    return
  fi
  value etcd_status "$status"
  [ "$HASH_REVISION" = 0 ] || value etcd_hash_revision "$HASH_REVISION"
  value etcd_hash "$(etcdctl_ endpoint hashkv --rev "$HASH_REVISION" -w json)"
  value etcd_members "$(etcdctl_ member list -w json)"
  value etcd_alarms "$(etcdctl_ alarm list -w json)"
  value etcd_count "$(etcdctl_ get / --prefix --count-only --consistency=s -w fields | sed -n 's/^"Count" : //p')"
}

# GET from the node's own API server as the controller-manager, which may list everything.
api_get() {
  ssl=$KUBE/ssl
  if has_curl; then
    curl -s -S -m 10 -A etcdrestore -w '\n%{http_code}' --cacert "$ssl/kube-ca.pem" --cert "$ssl/kube-controller-manager.pem" \
      --key "$ssl/kube-controller-manager-key.pem" "https://127.0.0.1:6443$1" 2>&1
  else
    timeout 15 docker exec kube-apiserver kubectl --kubeconfig "/etc/kubernetes/ssl/kubecfg-kube-controller-manager.yaml" \
      --server https://127.0.0.1:6443 get --raw "$1" 2>&1 && printf '\n200'
  fi
}
# What of a bad answer tells a person something: the checks that do not pass, a Status' message, else its end.
api_problem() {
  said=$(printf '%s\n' "$1" | sed -n 's/^\[-\]\([^ ]*\) .*/\1/p' | tr '\n' ' ')
  [ -z "$said" ] || said="these checks do not pass: $said"
  [ -n "$said" ] || said=$(printf '%s\n' "$1" | sed -n 's/.*"message": *"\(\([^"\]\|\\.\)*\)".*/\1/p' | sed 's/\\\(.\)/\1/g')
  [ -n "$said" ] || said=$(printf '%s' "$1" | tr '\n' ' ' | tail -c 300)
  say "$said" | sed 's/ *$//'
}
look_api() {
  value api_asked 1
  # It asks etcd twice, two seconds each when etcd is away; once is enough.
  answer=$(api_get '/readyz?exclude=etcd-readiness')
  case $answer in
    *'
200') value api_ready 1 ;;
    *) value api_error "$(api_problem "${answer:-no answer}")" && return ;;
  esac
  [ -n "$KUBE_NODES" ] || return
  answer=$(api_get '/api/v1/secrets?limit=1')
  value api_secrets "$(printf '%s' "$answer" | tail -n 1)"
  answer=$(api_get /api/v1/nodes)
  [ "$(printf '%s' "$answer" | tail -n 1)" = 200 ] && value api_nodes "$(printf '%s' "$answer" | sed '$d' | tr -d '\n')"
  answer=$(api_get /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases)
  [ "$(printf '%s' "$answer" | tail -n 1)" = 200 ] && value api_leases "$(printf '%s' "$answer" | sed '$d' | tr -d '\n')"
  [ -z "$HEALTH" ] || look_network_pods
}
# By the labels that rke gives them. Both lists or none: half of them would look like all.
look_network_pods() {
  at=/api/v1/namespaces/kube-system/pods?labelSelector=
  answer=$(api_get "${at}k8s-app%20in%20(canal,flannel,calico-node,calico-kube-controllers)")
  weave=$(api_get "${at}name%3Dweave-net")
  [ "$(printf '%s' "$answer" | tail -n 1)$(printf '%s' "$weave" | tail -n 1)" = 200200 ] || return
  value api_pods "[$(printf '%s' "$answer" | sed '$d' | tr -d '\n'),$(printf '%s' "$weave" | sed '$d' | tr -d '\n')]"
}

look_health() {
  health kubelet http://127.0.0.1:10248/healthz
  health kube-proxy http://127.0.0.1:10256/healthz
  health kube-controller-manager https://127.0.0.1:10257/healthz
  health kube-scheduler https://127.0.0.1:10259/healthz
}
health() {
  if has_curl; then
    seen=$(curl -s -S -k -m 5 -o /dev/null -w '%{http_code}' "$2" 2>&1)
    [ "$seen" = 200 ] && seen=ok
  elif has_wget; then
    seen=$(wget -q -T 5 -O /dev/null --no-check-certificate "$2" 2>&1) && seen=ok
  else
    return
  fi
  value "health_$1" "$(printf '%s' "${seen:-no answer}" | tr '\n' ' ')"
}
