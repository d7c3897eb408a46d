# What the image must do. Each claim is printed when it holds.
# shellcheck shell=bash

holds() { printf 'image: ok: %s\n' "$*"; }

# inside ARGS...: with no more rights than the Deployment gives, and no network.
inside() {
  docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --user 65532:65532 \
    --network none "$@"
}

check() {
  local commit
  commit=$(revision_of "$image")
  [ -n "$commit" ] || fail "there is no $image that build made: run image.sh build first"
  holds "$image of commit ${commit:0:10} is $(size_of "$image")"
  check_programs
  check_operator
  check_rke "$commit"
}

check_programs() {
  local said name
  for name in etcdrestore kubectl-etcdrestore; do
    said=$(inside --entrypoint "/usr/local/bin/$name" "$image" version) || fail "$name version failed in the image"
    [[ $said == etcdrestore\ * ]] || fail "$name version says: $said"
    holds "$name version: $said"
  done
  inside --entrypoint test "$image" -s /etc/ssl/certs/ca-certificates.crt || fail "the image trusts no certificates"
  [ "$(docker image inspect -f '{{.Config.User}}' "$image")" = 65532:65532 ] || fail "the image runs as root"
  holds "it has CA certificates and runs as user 65532 unless told"
}

check_operator() {
  local said code=0
  said=$(inside "$image" 2>&1) || code=$?
  [ $code = 1 ] || fail "the operator without a cluster ended with $code, not 1: $said"
  [[ $said == *'no way to an API server'* && $(wc -l <<<"$said") = 1 ]] ||
    fail "the operator without a cluster does not say so in one line: $said"
  holds "the operator without a cluster: exit 1, $said"
}

# The rke is made up: what counts is that a program comes in by its address, and only with its checksum.
check_rke() {
  local commit=$1 site=$run/site sum said
  mkdir "$site"
  printf '#!/bin/sh\necho rke from the build argument\n' >"$site/rke"
  sum=$(sha256sum "$site/rke" | cut -d' ' -f1)
  serve "$site"
  with_rke "$commit" "$sum" || {
    tail -25 "$store/build.log" >&2
    fail "no image with rke; the last words are above, the others in $store/build.log"
  }
  said=$(inside --entrypoint rke "$image-rke") || true
  [ "$said" = 'rke from the build argument' ] || fail "rke in the image says: $said"
  holds "RKE_URL with RKE_SHA256: rke is in the image"
  for sum in "${sum//[0-9]/0}" ''; do
    ! with_rke "$commit" "$sum" || fail "an rke came into the image with the wrong checksum '$sum'"
    grep -qE 'FAILED|no properly formatted' "$store/build.log" ||
      fail "with checksum '$sum' the build failed, but not for the checksum: see $store/build.log"
  done
  holds "with a wrong checksum, or none, the build fails"
}

with_rke() { # with_rke COMMIT SHA256
  context "$1" | docker_build "$image-rke" --build-arg "RKE_URL=http://127.0.0.1:$port/rke" \
    --build-arg "RKE_SHA256=$2" 2>/dev/null
}

# serve FOLDER: over http on loopback; sets $port. stop_engine ends it.
serve() {
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    port=$((RANDOM % 12000 + 20000))
    setpriv --pdeathsig KILL busybox httpd -f -p "127.0.0.1:$port" -h "$1" 2>/dev/null &
    served=$!
    until curl -fs -o /dev/null "http://127.0.0.1:$port/rke"; do
      kill -0 $served 2>/dev/null || continue 2
      sleep 0.05
    done
    return 0
  done
  fail "found no free port on loopback"
}
