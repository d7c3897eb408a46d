#!/usr/bin/env bash
# Builds the Dockerfile where no Docker service runs and no registry can be reached. See "image.sh help".
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
repository=$(cd "$here/../.." && pwd)
for part in engine base build check; do
  # shellcheck source=/dev/null
  . "$here/lib/$part.sh"
done

usage() {
  cat <<'END'
usage: image.sh COMMAND

  build              build the Dockerfile from the last commit, as a user would: docker build
  check              show that what build made runs as the Deployment runs it, and how rke comes in
  pack PROGRAM TAR   the Dockerfile's last stage alone, around a program that is already built; written
                     to TAR for `docker load` or `ctr images import`. Takes seconds, for tests in the lab
  clean              remove the images and everything else that this script keeps

As root on Debian 12 with docker.io and debootstrap (tests/deps/deps.sh). The Docker engine ends with
each command; nothing is pulled: debian:bookworm and debian:bookworm-slim are made by debootstrap, from
the mirror that this machine's apt uses. Base images know that mirror and the machine's CA certificates:
what is built here is for looking at, not for a registry.
Folder: ETCDRESTORE_CACHE (~/.cache/etcdrestore), below it image/.
END
}

command=${1:-help}
[ $# = 0 ] || shift
case $command in
help | -h | --help) usage ;;
build) start_engine && make_bases && build ;;
check) start_engine && check ;;
pack)
  [ $# = 2 ] || fail "pack needs a program and a file to write: see image.sh help"
  start_engine && make_bases && pack "$@"
  ;;
clean) clean ;;
*) usage >&2 && exit 2 ;;
esac
