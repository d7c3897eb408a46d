#!/bin/sh
# from_debian.sh RELEASE LIBRARY VERSION CMAKE-OPTION...: builds the patched source package of a library, as
# that release of Debian has it (bookworm, trixie), as a static one, in
# ${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}/LIBRARY-<Debian's version>. It is fetched with an apt
# configuration of its own: the machine's sources and lists stay as they are. Running it again does nothing,
# also with other options.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
release=$1 name=$2 wanted=$3
shift 3
package=${PACKAGE:-$name} # the source package, where it has another name
cache=${ETCDRESTORE_CACHE:-${HOME:?set HOME or ETCDRESTORE_CACHE}/.cache/etcdrestore}

fail() {
  echo "$name: $1" >&2
  exit 1
}

# Two builds at once would fight over one folder.
mkdir -p "$cache" || fail "cannot create $cache"
exec 9>"$cache/$name.lock"
flock 9

newest_in_cache() {
  for pc in "$cache/$name-$wanted"-*/lib/pkgconfig/"$name".pc; do
    [ -e "$pc" ] && dirname "$(dirname "$(dirname "$pc")")"
  done | sort -V | tail -n 1
}
have=$(newest_in_cache)
if [ -n "$have" ]; then
  echo "$name: $have is already built"
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

# shellcheck source=tests/deps/mirror.sh
. "$here/mirror.sh"
main=$(mirror '/debian/*$')
security=$(mirror '/debian-security/*$')
[ -n "$main" ] || fail "found no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing (apt-get install debian-archive-keyring)"
{
  echo "deb-src [signed-by=$keyring] $main $release main"
  [ -z "$security" ] || echo "deb-src [signed-by=$keyring] $security $release-security main"
} >"$work/apt/sources/$release.list"

apt() {
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/sources" \
    -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" -o APT::Get::List-Cleanup=0 "$@"
}
run() { # run WHAT COMMAND...: quiet unless it fails
  what=$1
  shift
  echo "$name: $what"
  "$@" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    fail "could not $what; the last lines are above"
  }
}

cd "$work"
run "read the package lists of $release from $main" apt update
run "fetch the source package of $release" apt source --download-only "$package"
dsc=$(find . -maxdepth 1 -name "${package}_*.dsc")
[ -n "$dsc" ] || fail "the mirror $main has no $package source package for $release"
revision=$(sed -n 's/^Version: //p' "$dsc" | head -n 1)
case $revision in
"$wanted"-*) ;;
*) fail "$release now has $package $revision, this build was written for $wanted: change tests/deps/$name.sh" ;;
esac
run "unpack $revision with Debian's patches" dpkg-source --extract "$dsc" source

target=$cache/$name-$revision
staging=$target.new
rm -rf "$staging"
run "configure" cmake -S source -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
  -DBUILD_EXAMPLES=OFF -DBUILD_TESTING=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
  -DCMAKE_INSTALL_PREFIX="$target" -DCMAKE_INSTALL_LIBDIR=lib "$@"
run "build" cmake --build build --parallel 2
run "install" env DESTDIR="$work/root" cmake --install build
mv "$work/root$target" "$staging"
[ -e "$staging/lib/pkgconfig/$name.pc" ] || fail "the build made no $name.pc"
# One rename: a folder with the final name is always whole.
mv "$staging" "$target"
echo "$name: built $target"
