#!/usr/bin/env bash
# Installs what building and testing need on Debian 12, and says plainly what it cannot install.
# Does nothing, and needs no root, when everything is there. No service is started by it.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

build_packages="g++ cmake ninja-build ccache pkg-config dpkg-dev ca-certificates libssl-dev
  libcurl4-openssl-dev nlohmann-json3-dev libyaml-cpp-dev prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
  libzip-dev zlib1g-dev libgtest-dev libgmock-dev clang-format clang-tidy openssh-server"
lab_packages="docker.io containerd runc containernetworking-plugins iproute2 nftables iptables
  conntrack socat s3cmd unzip zip curl wget openssh-client openssl sudo util-linux mount e2fsprogs
  busybox-static procps git make prometheus lua5.4 debootstrap"

say() { printf 'deps: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

missing_packages() {
  local package
  for package in $build_packages $lab_packages; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || echo "$package"
  done
}

# policy-rc.d keeps Docker, containerd and sshd of this machine from being started by their packages.
install_packages() {
  local policy=/usr/sbin/policy-rc.d
  [ "$(id -u)" = 0 ] || fail "these packages are missing, and only root can install them: $*"
  if [ ! -e "$policy" ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  say "installing: $*"
  export DEBIAN_FRONTEND=noninteractive
  local options=(-qq -o DPkg::Lock::Timeout=600)
  apt-get "${options[@]}" install -y --no-install-recommends "$@" >/dev/null 2>&1 || {
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install -y --no-install-recommends "$@"
  }
}

# The newest of the pinned programs says itself which Go it needs; an older Go fetches that toolchain.
check_go() {
  local have
  command -v go >/dev/null || fail "Go 1.24 or newer is missing: install it and put it on PATH"
  have=$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
  [ "$(printf '1.24\n%s\n' "$have" | sort -V | head -1)" = 1.24 ] ||
    fail "Go $have is too old: 1.24 or newer is needed"
  say "Go $have"
}

command -v dpkg-query >/dev/null || fail "this is no Debian: install by hand: $build_packages $lab_packages"
mapfile -t missing < <(missing_packages)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
mapfile -t missing < <(missing_packages)
[ ${#missing[@]} = 0 ] || fail "still missing after the installation: ${missing[*]}"
say "Debian packages are complete"
check_go
"$here/libssh2.sh"
"$here/libcurl.sh"
