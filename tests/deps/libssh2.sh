#!/bin/sh
# Makes libssh2 >= 1.11.1 available: earlier ones cannot use RSA keys with a default OpenSSH server. Where the
# system has it, nothing is done. --force builds it even there.
set -eu
wanted=1.11.1
if [ "${1:-}" != --force ] && pkg-config --atleast-version="$wanted" libssh2 2>/dev/null; then
  echo "libssh2: the system's $(pkg-config --modversion libssh2) is new enough"
  exit 0
fi
exec "$(dirname "$0")/from_debian.sh" trixie libssh2 "$wanted" -DCRYPTO_BACKEND=OpenSSL -DBUILD_STATIC_LIBS=ON
