take() {
  mkdir -p "$DIR" || fail DiskError "mkdir $DIR failed"
  chmod 700 "$STATE"
  exec 9>>"$STATE/lock" || fail DiskError "open $STATE/lock failed"
  flock -w 5 9 || fail LockedByOther "an act of another run is at work on this node"
  line=$(head -n 1 "$STATE/lock")
  held=${line%%|*}
  renewed=${line##*|}
  if [ -n "$held" ] && [ "$held" != "$HOLDER" ]; then
    case " $REPLACE " in
      *" $held "* | ' * ') ;;
      *)
        age=$(awk -v now="$(clock)" -v then="$renewed" 'BEGIN { printf "%d", now - then }')
        [ "$age" -ge 60 ] || fail LockedByOther "held by $line, renewed $age s ago"
        ;;
    esac
  fi
  write_lock
  ok
}

renew() { ok; }

release() {
  : >"$STATE/lock"
  ok
}

# Whole, on disk, then visible: a reader sees the old record or the new one.
write_record() {
  printf '%s\n' "$2" >"$1.new" && sync "$1.new" && mv "$1.new" "$1" && sync "$(dirname "$1")" ||
    fail DiskError "write $1 failed: $(df -h "$STATE" | tail -n 1)"
}
receipt() {
  [ -n "$JSON" ] || fail BadArgument 'an empty receipt'
  # The archived copy goes first: cut in between, the run is walked to its end again and writes both.
  case $JSON in *'"stage":"finished"'*) write_record "$DIR/finished.json" "$JSON" ;; esac
  write_record "$STATE/receipt.json" "$JSON"
  ok
}

verify_staged() {
  [ "$(stat -c %s "$STAGED.part")" = "$SIZE" ] ||
    fail WrongSize "the node received $(stat -c %s "$STAGED.part") bytes of the snapshot, $SIZE were expected"
  seen=$(sha256sum <"$STAGED.part" | cut -c1-64)
  [ "$seen" = "$SHA" ] || fail WrongContent "the node received a file with sha256 $seen, $SHA was expected"
  sync "$STAGED.part" && mv "$STAGED.part" "$STAGED" && sync "$DIR" || fail DiskError "rename $STAGED.part failed"
  ok
}
# The URL is a secret: it comes with the script on standard input and goes to curl the same way.
fetch() {
  rm -f "$STAGED.part"
  if has_curl; then
    said=$(printf 'url = "%s"\n' "$URL" | curl -f -s -S -o "$STAGED.part" --connect-timeout 10 --speed-limit 1024 --speed-time 30 -K - 2>&1)
  elif has_wget; then
    said=$(printf '%s\n' "$URL" | wget -q -T 30 -t 1 -O "$STAGED.part" -i - 2>&1)
  else
    fail NoDownloader 'this node has neither curl nor wget'
  fi
  [ -f "$STAGED.part" ] || fail DownloadFailed "$(printf '%s' "$said" | sed 's/?[^ ]*//g')"
  verify_staged
}
put() {
  cat >"$STAGED.part" || fail DiskError "write $STAGED.part: $(df -h "$DIR" | tail -n 1)"
  verify_staged
}

# The login is a secret: it comes with the script on standard input and lies in memory until docker has read it.
pull() {
  DOCKER_CONFIG=/dev/shm/etcdrestore-$RUN
  export DOCKER_CONFIG
  [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || fail NoMemoryFolder 'this node has no tmpfs on /dev/shm for the registry login'
  rm -rf "$DOCKER_CONFIG"
  trap 'rm -rf "$DOCKER_CONFIG"' EXIT
  trap 'exit 1' HUP INT TERM
  mkdir "$DOCKER_CONFIG" && printf '%s' "$LOGIN" >"$DOCKER_CONFIG/config.json" || fail DiskError "write $DOCKER_CONFIG failed"
  said=$(timeout 600 docker pull -q "$IMAGE" 2>&1) || fail PullFailed "docker pull $IMAGE: $said"
  ok
}

# One run of the etcd tool in a container of the node's own image. $1 is mounted on /restored.
one_shot() {
  docker_ rm -f -v "etcdrestore-$RUN" >/dev/null 2>&1
  mounted=$1
  shift
  timeout 1800 docker run --name "etcdrestore-$RUN" --network none --user 0 --security-opt label=disable \
    -v "$DIR:/stage:ro" -v "$mounted:/restored" --entrypoint /usr/local/bin/etcdutl "$IMAGE" "$@" 2>&1
}
# etcd's tools log all that they do; a person needs their last error.
tool_failed() {
  last=$(printf '%s\n' "$2" | sed -n 's/^Error: //p' | tail -n 1)
  [ -n "$last" ] || last=$(printf '%s' "$2" | tail -c 300)
  case $last in *'no space left'*) fail DiskError "$1: $last ($(df -h "$DATA" | tail -n 1))" ;; esac
  fail RestoreFailed "$1: $last"
}
# What lies beside is used again only when it is, to the byte, what the receipt says was made.
restore_beside() {
  db=''
  [ -n "$DB" ] && [ "$(cat "$RESTORED/member/.etcdrestore" 2>/dev/null)" = "$RUN" ] && db=$(beside_sha256)
  [ -n "$db" ] && [ "$db" = "$DB" ] || { make_beside && db=$(beside_sha256); }
  value db_sha256 "$db"
  [ -z "$STATUS" ] || { hash=$(one_shot "$RESTORED" snapshot status /restored/member/snap/db -w json) && value db_status "$hash"; } ||
    tool_failed 'etcdutl snapshot status' "$hash"
  docker_ rm -f -v "etcdrestore-$RUN" >/dev/null 2>&1
  ok
}
beside_sha256() { sha256sum <"$RESTORED/member/snap/db" | cut -c1-64; }
make_beside() {
  rm -rf "$RESTORED" "$RESTORED.part"
  mkdir -p "$DATA" "$RESTORED.part" || fail DiskError "mkdir $RESTORED.part failed"
  set -- snapshot restore /stage/snapshot.db --data-dir /restored/data --name "$NAME" --initial-cluster "$PEERS" \
    --initial-cluster-token "$TOKEN" --initial-advertise-peer-urls "$PEER"
  [ "$BUMP" = 0 ] || set -- "$@" --bump-revision "$BUMP" --mark-compacted
  said=$(one_shot "$RESTORED.part" "$@") || tool_failed 'etcdutl snapshot restore' "$said"
  part=$RESTORED.part/data/member
  [ -f "$part/snap/db" ] && ls "$part"/wal/*.wal >/dev/null 2>&1 || tool_failed 'etcdutl made no member' "$said"
  printf '%s\n' "$RUN" >"$part/.etcdrestore" || fail DiskError "write $part/.etcdrestore failed"
  dress "$part"
  mkdir "$RESTORED" && sync -f "$part" && mv "$part" "$RESTORED/member" && rm -rf "$RESTORED.part" || fail DiskError "rename $part failed"
}
# Owner, mode and SELinux label of the new member are those of the old one, else of the configuration.
dress() {
  if [ -d "$DATA/member" ]; then
    chown -R --reference="$DATA/member" "$1"
    chmod --reference="$DATA/member" "$1"
    [ -e /sys/fs/selinux/enforce ] && chcon -R --reference="$DATA/member" "$1"
  elif [ -n "$OWNER" ]; then
    chown -R "$OWNER" "$1" && chown "$OWNER" "$DATA"
  fi
  return 0
}

# One call for all containers that get the same policy. A container that is gone needs none.
policies() {
  for policy in $(for pair in $POLICIES; do say "${pair#*=}"; done | sort -u); do
    names=$(for pair in $POLICIES; do [ "${pair#*=}" != "$policy" ] || say "${pair%%=*}"; done)
    # shellcheck disable=SC2086
    said=$(docker_ update --restart="$policy" $names 2>&1) || case $said in *'o such container'*) ;; *) fail DockerFailed "docker update --restart=$policy: $said" ;; esac
  done
  ok
}
# Docker's own exit code says little; what runs afterwards is looked at by the caller.
stop() {
  # shellcheck disable=SC2086
  said=$(timeout 120 docker stop -t "$(stop_patience)" $NAMES 2>&1) || case $said in *'o such container'*) ;; *) fail DockerFailed "docker stop: $said" ;; esac
  ok
}
# etcd waits for peers that stop at the same moment and needs no farewell: its log is on disk before it
# answers. The others keep nothing.
stop_patience() { case " $NAMES " in *' etcd '*) say 3 ;; *) say 1 ;; esac; }
start() {
  # shellcheck disable=SC2086
  said=$(timeout 120 docker start $NAMES 2>&1) || fail DockerFailed "docker start $NAMES: $said"
  ok
}
# Side by side: docker itself restarts one after the other.
restart() {
  said=$(
    for name in $NAMES; do
      { timeout 180 docker restart -t 1 "$name" 2>&1 || say @@failed; } &
    done
    wait
  )
  case $said in *@@failed*) fail DockerFailed "docker restart $NAMES: $said" ;; esac
  ok
}
remove() {
  # shellcheck disable=SC2086
  said=$(timeout 180 docker rm -f ${VOLUMES:+-v} $NAMES 2>&1) || case $said in *'o such container'* | *'already in progress'*) ;; *) fail DockerFailed "docker rm: $said" ;; esac
  ok
}

# As the kubelet, which may delete pods; the look's own identity may not.
delete_pods() {
  case $NAMES in *[!a-z0-9.\ -]*) fail BadArgument "pod names '$NAMES'" ;; esac
  for name in $NAMES; do
    at=/api/v1/namespaces/kube-system/pods/$name
    if has_curl; then
      said=$(curl -s -S -m 20 -A etcdrestore -X DELETE -w '\n%{http_code}' --cacert "$KUBE/ssl/kube-ca.pem" --cert "$KUBE/ssl/kube-node.pem" \
        --key "$KUBE/ssl/kube-node-key.pem" "https://127.0.0.1:6443$at" 2>&1)
    else
      said=$(timeout 30 docker exec kube-apiserver kubectl --kubeconfig /etc/kubernetes/ssl/kubecfg-kube-node.yaml \
        --server https://127.0.0.1:6443 delete --raw "$at" 2>&1 && printf '\n200')
    fi
    case $(printf '%s' "$said" | tail -n 1) in
      200 | 202 | 404 | *NotFound*) ;;
      *) fail PodNotDeleted "delete pod kube-system/$name: $(printf '%s' "$said" | tail -c 300)" ;;
    esac
  done
  ok
}

move_aside() {
  no_etcd
  if [ -d "$DATA/member" ] && [ "$(cat "$DATA/member/.etcdrestore" 2>/dev/null)" != "$RUN" ]; then
    [ ! -e "$KEPT/member" ] || fail OldDataInTheWay "$KEPT/member and $DATA/member both hold data that is not this run's; look at both by hand"
    mkdir -p "$KEPT" && mv "$DATA/member" "$KEPT/member" || fail DiskError "move $DATA/member to $KEPT failed"
  elif [ ! -e "$KEPT" ]; then
    mkdir -p "$KEPT" && : >"$KEPT/there-was-no-old-data"
  fi
  sync -f "$KEPT"
  value kept "$KEPT"
  ok
}
put_in_place() {
  no_etcd
  if [ "$(cat "$DATA/member/.etcdrestore" 2>/dev/null)" != "$RUN" ]; then
    [ ! -e "$DATA/member" ] || fail OldDataInTheWay "$DATA/member is there again and is not this run's"
    [ -d "$RESTORED/member" ] || fail NewDataMissing "$RESTORED/member, made before anything was touched, is gone"
    mkdir -p "$DATA" && mv "$RESTORED/member" "$DATA/member" || fail DiskError "move $RESTORED/member to $DATA failed"
  fi
  rmdir "$RESTORED" 2>/dev/null
  sync -f "$DATA"
  ok
}

# Only what a finished run kept, and nothing on another file system. Its record stays: a run happens once.
purge() {
  for name in "$NAMES" "$KEPT_BY"; do
    case $name in '' | *[!a-zA-Z0-9.-]* | .*) fail BadArgument "run name '$name'" ;; esac
  done
  [ -f "$STATE/runs/$NAMES/finished.json" ] || fail NotFinished "run $NAMES has no record of a good end on this node"
  for old in "$DATA-before-$KEPT_BY" "$DATA/.before-$KEPT_BY" "$STATE/runs/$NAMES/old" "$STATE/runs/$NAMES/snapshot.db"; do
    [ ! -L "$old" ] || fail NotAFolder "$old is a link"
    rm -rf --one-file-system "$old" || fail DiskError "remove $old"
  done
  ok
}

# The runbook's list, fixed. A copy stays in the run's folder; nothing on another file system is touched.
clean_paths() {
  for path in "$KUBE/ssl" "$KUBE/.tmp" /etc/cni /etc/kube-flannel; do
    [ -d "$path" ] || continue
    below=$(awk -v at="$path/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | head -n 1)
    [ -z "$below" ] || fail MountBelow "$below is mounted below $path; unmount it first"
    copy=$DIR/old$path
    [ -e "$copy" ] || { rm -rf "$copy.new" && mkdir -p "$(dirname "$copy")" && cp -a --one-file-system "$path" "$copy.new" && mv "$copy.new" "$copy"; } ||
      fail DiskError "keep a copy of $path in $copy"
    find "$path" -xdev -mindepth 1 -delete || fail DiskError "empty $path"
  done
  ok
}
