# One Docker data folder with every image, made once. Nodes get it as hard links: image layers are
# never written to, everything else in it is copied.
# shellcheck shell=bash

IDLE='trap "exit 0" TERM INT; sleep 2147483647 & wait'
IMPORT_PATH='ENV PATH=/opt/rke-tools/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

# Runs in its own mount, network and process namespaces, so that nothing of it can stay behind.
make_golden_inside() {
  local work=$1 name tag change
  mkdir -p "$work/data" "$work/run"
  mount -t tmpfs tmpfs /run
  dockerd --data-root "$work/data" --exec-root /run/docker --pidfile /run/docker.pid \
    --host unix:///run/docker.sock --bridge none --iptables=false --ip6tables=false \
    --ip-forward=false --storage-driver overlay2 >"$work/dockerd.log" 2>&1 &
  export DOCKER_HOST=unix:///run/docker.sock
  wait_for 30 "the image maker's dockerd" docker version || { tail -20 "$work/dockerd.log"; return 1; }
  while read -r name tag change; do
    docker import --change "$IMPORT_PATH" ${change:+--change "$change"} \
      <(tar -C "$work/$name" -c .) "$tag" >/dev/null
    say "made image $tag"
  done <<END
etcd $ETCD_IMAGE
hyperkube $HYPERKUBE_IMAGE
rke-tools $RKE_TOOLS_IMAGE VOLUME /opt/rke-tools
pause $PAUSE_IMAGE ENTRYPOINT ["/bin/sh","-c","${IDLE//\"/\\\"}"]
plain $PLAIN_IMAGE CMD ["/bin/sh","-c","${IDLE//\"/\\\"}"]
END
  docker save "$PAUSE_IMAGE" "$PLAIN_IMAGE" >"$work/data/pods.tar"
  kill "$(cat /run/docker.pid)"
  wait
}

make_golden() {
  local golden work
  golden=$CACHE/docker-$(images_key)
  if [ ! -d "$golden" ]; then
    say "making the images"
    work=$CACHE/making.$$
    rm -rf "$CACHE"/making.*
    mkdir -p "$work"
    (cd "$LAB_SRC/images/rke-etcd-backup" &&
      CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$work/rke-etcd-backup" .)
    image_roots "$work"
    unshare --mount --net --pid --fork --kill-child --mount-proc \
      "$LAB_SRC/lab" make-golden-inside "$work" || die "making the images failed"
    rm -rf "$work/data"/{runtimes,tmp,swarm,plugins,containers}
    mv "$work/data" "$golden"
    rm -rf "$work"
    # Nodes keep hard links, so older images may go.
    find "$CACHE" -maxdepth 1 -name 'docker-*' ! -path "$golden" -exec rm -rf {} +
  fi
  GOLDEN=$golden
}

# clone_golden TARGET: a private Docker data folder in well under a second.
clone_golden() {
  local target=$1
  mkdir -p "$target"
  cp -al "$GOLDEN/overlay2" "$target/" 2>/dev/null || cp -a "$GOLDEN/overlay2" "$target/"
  find "$GOLDEN" -mindepth 1 -maxdepth 1 ! -name overlay2 -exec cp -a {} "$target/" \;
}
