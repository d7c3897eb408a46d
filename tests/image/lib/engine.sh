# A Docker engine for one command: its own folder, its own socket, no bridge, no rules of a firewall.
# shellcheck shell=bash

store=${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}/image
cgroup=etcdrestore-image

say() { printf 'image: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

need() {
  local tool
  [ "$(id -u)" = 0 ] || fail "a Docker engine is started: run it as root"
  for tool in docker dockerd debootstrap git; do
    command -v "$tool" >/dev/null || fail "$tool is missing: run tests/deps/deps.sh"
  done
}

lock_store() {
  mkdir -p "$store"
  exec {lock}>"$store/lock"
  flock -n "$lock" || {
    say "another image.sh is at work, waiting for its end"
    flock "$lock"
  }
}

# In process and mount namespaces of its own, and bound to the life of this script: whatever kills the
# script, no daemon, container or mount is left. Networks are the machine's, for apt in a build.
start_engine() {
  need
  lock_store
  run=$(mktemp -d)
  trap stop_engine EXIT
  trap 'exit 130' INT TERM
  echo '{}' >"$run/daemon.json"
  nice setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    dockerd --config-file "$run/daemon.json" --data-root "$store/data" --exec-root "$run/exec" \
    --pidfile "$run/pid" --host "unix://$run/docker.sock" --storage-driver overlay2 --bridge none \
    --iptables=false --ip6tables=false --ip-forward=false --oom-score-adjust 0 \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup" \
    >"$store/dockerd.log" 2>&1 {lock}>&- &
  engine=$!
  # A user's own contexts and credential helpers have no place here, and BuildKit would want a registry.
  export DOCKER_HOST=unix://$run/docker.sock DOCKER_CONFIG=$run DOCKER_BUILDKIT=0
  unset DOCKER_CONTEXT
  until docker version >/dev/null 2>&1; do
    kill -0 "$engine" 2>/dev/null || {
      tail -5 "$store/dockerd.log" >&2
      fail "dockerd did not start; its last words are above, the others in $store/dockerd.log"
    }
    sleep 0.1
  done
}

stop_engine() {
  local daemon
  [ -z "${served:-}" ] || kill "$served" 2>/dev/null || true
  daemon=$(cat "/proc/${engine:-none}/task/${engine:-none}/children" 2>/dev/null) || true
  if [ -n "$daemon" ]; then
    # shellcheck disable=SC2086 # a number and a blank
    kill $daemon 2>/dev/null || true
    wait "$engine" || true
  fi
  remove_cgroups
  rm -rf "$run"
}

remove_cgroups() {
  local root
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ ! -d "$root/$cgroup" ] || find "$root/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

clean() {
  lock_store
  remove_cgroups
  rm -rf "$store"
  say "nothing is kept any more"
}
