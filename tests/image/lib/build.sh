# docker build, of the whole Dockerfile or of its last stage.
# shellcheck shell=bash

# The name under which the Deployment asks for it.
image=$(sed -n 's/^ *image: //p' "$repository/manifests/default/deployment.yaml")

revision=org.opencontainers.image.revision

# docker_build NAME ARGS...: reads the context from stdin; shows the steps, keeps the rest in a log.
docker_build() {
  local name=$1 log=$store/build.log
  shift
  docker build --network host --force-rm -t "$name" "$@" - 2>&1 | tee "$log" | grep --line-buffered '^Step ' >&2 || true
  grep -q '^Successfully tagged' "$log" || return 1
}

# context COMMIT: what is committed, nothing that merely lies in the tree.
context() { git -C "$repository" archive "$1"; }
revision_of() { docker image inspect -f "{{index .Config.Labels \"$revision\"}}" "$1" 2>/dev/null || true; }
size_of() { docker image inspect -f '{{.Size}}' "$1" | awk '{ printf "%.0f MB", $1 / 1000000 }'; }

build() {
  local began=$SECONDS commit
  commit=$(git -C "$repository" rev-parse HEAD)
  [ -z "$(git -C "$repository" status --porcelain)" ] ||
    say "there are changes that are not committed: they will not be in the image"
  say "building $image from commit ${commit:0:10}; compiling takes minutes: see $store/build.log"
  context "$commit" | docker_build "$image" --label "$revision=$commit" || {
    tail -25 "$store/build.log" >&2
    fail "docker build failed; its last words are above, the others in $store/build.log"
  }
  say "built $image in $((SECONDS - began)) s, $(size_of "$image")"
}

# last_stage: the Dockerfile from its last FROM, with the programs taken from the context.
last_stage() {
  awk '/^FROM / { text = "" } { text = text $0 "\n" } END { printf "%s", text }' "$repository/Dockerfile" |
    sed 's|^COPY --from=build /programs/ |COPY programs/ |'
}

pack() {
  local program=$1 tar=$2 work=$store/packing
  rm -rf "$work"
  mkdir -p "$work/programs"
  last_stage >"$work/Dockerfile"
  grep -q '^COPY programs/ ' "$work/Dockerfile" || fail "the Dockerfile's last stage copies no /programs/ from build"
  strip -o "$work/programs/etcdrestore" "$program"
  ln -s etcdrestore "$work/programs/kubectl-etcdrestore"
  tar -C "$work" -c . | docker_build "$image" || {
    tail -25 "$store/build.log" >&2
    fail "packing $program failed; the last words are above, the others in $store/build.log"
  }
  docker save -o "$tar" "$image"
  rm -rf "$work"
  say "packed $program as $image, $(size_of "$image")"
}
