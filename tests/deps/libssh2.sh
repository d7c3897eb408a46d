#!/bin/sh
# Makes libssh2 >= 1.11.1 available: earlier ones cannot use RSA keys with a default OpenSSH server.
# Where the system has it, nothing is done. Else Debian 13's patched source package is fetched with an
# apt configuration of its own (the machine's sources and lists stay as they are) and built as a
# static library in ${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}/libssh2-<version>.
# Running it again does nothing. --force builds even where the system's library would do.
set -eu

wanted=1.11.1
cache=${ETCDRESTORE_CACHE:-${HOME:?set HOME or ETCDRESTORE_CACHE}/.cache/etcdrestore}

fail() {
  echo "libssh2: $1" >&2
  exit 1
}

if [ "${1:-}" != --force ] && pkg-config --atleast-version="$wanted" libssh2 2>/dev/null; then
  echo "libssh2: the system's $(pkg-config --modversion libssh2) is new enough"
  exit 0
fi

# Two builds at once would fight over one folder.
mkdir -p "$cache" || fail "cannot create $cache"
exec 9>"$cache/libssh2.lock"
flock 9

newest_in_cache() {
  for pc in "$cache"/libssh2-"$wanted"-*/lib/pkgconfig/libssh2.pc; do
    [ -e "$pc" ] && dirname "$(dirname "$(dirname "$pc")")"
  done | sort -V | tail -n 1
}
have=$(newest_in_cache)
if [ -n "$have" ]; then
  echo "libssh2: $have is already built"
  exit 0
fi

missing=
for tool in apt-get dpkg-source cmake c++ pkg-config make flock; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || fail "not installed:$missing (apt-get install dpkg-dev cmake g++ make pkg-config libssl-dev zlib1g-dev)"
pkg-config --exists openssl || fail "OpenSSL's headers are missing (apt-get install libssl-dev)"

work=$(mktemp -d) || fail "no temporary folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/apt/sources" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"

# The machine's own Debian mirror, whatever it is: the URI on a line that offers a Debian main suite.
mirror() {
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
      awk 'tolower($1) == "uris:" { for (i = 2; i <= NF; i++) print $i }'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      awk '$1 == "deb" || $1 == "deb-src" { for (i = 2; i <= NF; i++) if ($i ~ /:\//) { print $i; break } }'
  } | grep "$1" | head -n 1
}
main=$(mirror '/debian/*$')
security=$(mirror '/debian-security/*$')
[ -n "$main" ] || fail "found no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing (apt-get install debian-archive-keyring)"
{
  echo "deb-src [signed-by=$keyring] $main trixie main"
  [ -z "$security" ] || echo "deb-src [signed-by=$keyring] $security trixie-security main"
} >"$work/apt/sources/trixie.list"

apt() {
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/sources" \
    -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" -o APT::Get::List-Cleanup=0 "$@"
}
run() { # run WHAT COMMAND...: quiet unless it fails
  what=$1
  shift
  echo "libssh2: $what"
  "$@" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    fail "could not $what; the last lines are above"
  }
}

cd "$work"
run "read the package lists of Debian 13 from $main" apt update
run "fetch Debian 13's source package" apt source --download-only "libssh2"
dsc=$(find . -maxdepth 1 -name 'libssh2_*.dsc')
[ -n "$dsc" ] || fail "the mirror $main has no libssh2 source package for Debian 13"
revision=$(sed -n 's/^Version: //p' "$dsc" | head -n 1)
case $revision in
"$wanted"-*) ;;
*) fail "Debian 13 now has libssh2 $revision, this build was written for $wanted: change tests/deps/libssh2.sh" ;;
esac
run "unpack $revision with Debian's patches" dpkg-source --extract "$dsc" source

target=$cache/libssh2-$revision
staging=$target.new
rm -rf "$staging"
run "configure" cmake -S source -B build -DCMAKE_BUILD_TYPE=Release -DCRYPTO_BACKEND=OpenSSL \
  -DBUILD_SHARED_LIBS=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_EXAMPLES=OFF -DBUILD_TESTING=OFF \
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$target" -DCMAKE_INSTALL_LIBDIR=lib
run "build" cmake --build build --parallel 2
run "install" env DESTDIR="$work/root" cmake --install build
mv "$work/root$target" "$staging"
[ -e "$staging/lib/pkgconfig/libssh2.pc" ] || fail "the build made no libssh2.pc"
# One rename: a folder with the final name is always whole.
mv "$staging" "$target"
echo "libssh2: built $target"
