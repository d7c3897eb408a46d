#!/bin/sh
# docker with its state in files: $FAKE_DOCKER/containers/<name> holds "running always".
at=$FAKE_DOCKER/containers
[ "$1" != -H ] || { DOCKER_HOST=$2 && shift 2; }
[ ! -e "$FAKE_DOCKER/socket" ] || [ "unix://$(cat "$FAKE_DOCKER/socket")" = "$DOCKER_HOST" ] || { echo "Cannot connect to the Docker daemon at $DOCKER_HOST" >&2; exit 1; }
printf '%s\n' "$*" >>"$FAKE_DOCKER/log"
[ -e "$FAKE_DOCKER/broken" ] && { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }
set_state() { # name running policy
  printf '%s %s\n' "$2" "$3" >"$at/$1"
}
each() { # what to do with every named container
  what=$1
  shift
  status=0
  for name in "$@"; do
    case $name in -*) continue ;; esac
    if [ ! -e "$at/$name" ]; then
      echo "Error: No such container: $name" >&2
      status=1
      continue
    fi
    read -r running policy <"$at/$name"
    case $what in
      stop) set_state "$name" stopped "$policy" ;;
      start | restart) set_state "$name" running "$policy" ;;
      update) set_state "$name" "$running" "$given" ;;
      rm) rm "$at/$name" ;;
    esac
  done
  return $status
}
case $1 in
  version) echo 27.0.0 ;;
  save) echo "tar of $2" ;;
  load) cat >"$FAKE_DOCKER/loaded" ;;
  ps) ls "$at" && cat "$FAKE_DOCKER/vanished" 2>/dev/null || : ;;
  images)
    echo img:1
    cat "$FAKE_DOCKER/pulled" 2>/dev/null
    ;;
  pull) # a registry that wants one login
    cmp -s "$DOCKER_CONFIG/config.json" "$FAKE_DOCKER/login" || { echo "denied: requested access to the resource is denied" >&2; exit 1; }
    stat -c %a "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" >>"$FAKE_DOCKER/log"
    echo "$3" >>"$FAKE_DOCKER/pulled"
    ;;
  image) ;;
  inspect)
    format=$3
    shift 3
    missing=''
    for name in "$@"; do
      [ ! -e "$FAKE_DOCKER/ends-at-$name" ] || . "$FAKE_DOCKER/ends-at-$name"
      [ -e "$at/$name" ] || { missing="$missing $name" && continue; }
      read -r running policy <"$at/$name"
      case $format in
        *'{"name"'*)
          flag=false
          [ "$running" = running ] && flag=true
          printf '{"name":"/%s","image":"img:1","running":%s,"policy":"%s","startedAt":"2026-11-22T03:00:00Z","restarts":0,"labels":{}}\n' "$name" "$flag" "$policy"
          ;;
        '{{json .Args}}')
          case $name in
            etcd) echo '["/usr/local/bin/etcd","--trusted-ca-file=/etc/kubernetes/ssl/kube-ca.pem","--peer-cert-file=/x","--cert-file=/etc/kubernetes/ssl/kube-etcd-n1.pem","--key-file=/etc/kubernetes/ssl/kube-etcd-n1-key.pem"]' ;;
            *) echo '["kube-apiserver","--encryption-provider-config=/etc/kubernetes/ssl/encryption.yaml","--v=2"]' ;;
          esac
          ;;
        *) echo "$running $policy" ;;
      esac
    done
    for name in $missing; do echo "Error: No such object: $name" >&2; done
    [ -z "$missing" ] || exit 1
    ;;
  update)
    given=${2#--restart=}
    shift 2
    each update "$@"
    ;;
  stop) shift 3; each stop "$@" ;;
  restart) shift 3; each restart "$@" ;;
  start) shift; each start "$@" ;;
  rm) shift; each rm "$@" ;;
  run)
    for word in "$@"; do
      case $word in
        *:/restored) restored=${word%:/restored} ;;
        *:/stage:ro) stage=${word%:/stage:ro} ;;
      esac
    done
    case "$*" in
      *'snapshot restore --help'*) echo ' --bump-revision uint' ;;
      *'snapshot restore'*)
        [ ! -e "$FAKE_DOCKER/tool-fails" ] || { cat "$FAKE_DOCKER/tool-fails" && exit 1; }
        mkdir -p "$restored/data/member/snap" "$restored/data/member/wal"
        printf 'restored %s' "$(cat "$stage/snapshot.db")" >"$restored/data/member/snap/db"
        : >"$restored/data/member/wal/0.wal"
        ;;
      *'snapshot status'*) printf '{"hash":%s}\n' "$(cksum <"$restored/member/snap/db" | cut -d' ' -f1)" ;;
    esac
    ;;
  *) exit 1 ;;
esac
