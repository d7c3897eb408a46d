# debian:bookworm and debian:bookworm-slim, made on this machine.
# shellcheck shell=bash

# shellcheck source=/dev/null disable=SC2154
. "$repository/tests/deps/mirror.sh"

make_bases() {
  local work began=$SECONDS
  if docker image inspect debian:bookworm debian:bookworm-slim >/dev/null 2>&1; then return 0; fi
  say "making debian:bookworm and debian:bookworm-slim"
  work=$store/making
  rm -rf "$work"
  mkdir "$work"
  debian "$work/root" "$work/log"
  import "$work/root" debian:bookworm
  slim "$work/root"
  import "$work/root" debian:bookworm-slim
  rm -rf "$work"
  say "made them in $((SECONDS - began)) s"
}

import() {
  tar -C "$1" --exclude './dev/*' -c . |
    docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'CMD ["bash"]' - "$2" >/dev/null
}

debian() {
  local root=$1 log=$2 main
  main=$(mirror '/debian/*$') || true
  [ -n "$main" ] || fail "found no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d"
  # With mounts of its own: one that is interrupted leaves no /proc in a folder that is to be removed.
  nice unshare --mount debootstrap --variant=minbase bookworm "$root" "$main" >"$log" 2>&1 || {
    tail -5 "$log" >&2
    fail "debootstrap from $main failed; its last words are above"
  }
  machine_settings "$root" "$main"
  rm -rf "${root:?}"/var/{lib/apt/lists,cache/apt,cache/debconf,log}/*
}

# What apt and TLS need on this machine: mirror, proxies, CA certificates. The certificates are where
# ca-certificates looks when it is installed, and in a place of apt's for a mirror that is https: an image
# must not seem to have certificates of its own.
machine_settings() {
  local root=$1 main=$2 security
  security=$(mirror '/debian-security/*$') || true
  {
    echo "deb $main bookworm main"
    [ -z "$security" ] || echo "deb $security bookworm-security main"
  } >"$root/etc/apt/sources.list"
  apt-config dump | grep -iE '^Acquire::(https?::|Check-|Retries)' >"$root/etc/apt/apt.conf.d/80machine" || true
  cat /etc/ssl/certs/ca-certificates.crt >"$root/etc/apt/machine.crt"
  echo 'Acquire::https::CAInfo "/etc/apt/machine.crt";' >>"$root/etc/apt/apt.conf.d/80machine"
  mkdir -p "$root/usr/local/share/ca-certificates"
  find /usr/local/share/ca-certificates -name '*.crt' \
    -exec cp -t "$root/usr/local/share/ca-certificates" {} +
}

# What Debian's slim image lacks, and keeps from coming with packages.
slim() {
  local root=$1 folder
  for folder in doc groff info lintian linda locale man; do
    echo "path-exclude /usr/share/$folder/*" >>"$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "${root:?}/usr/share/$folder"/*
  done
  echo 'path-include /usr/share/doc/*/copyright' >>"$root/etc/dpkg/dpkg.cfg.d/slim"
}
