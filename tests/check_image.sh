#!/usr/bin/env bash
# check_image.sh PROGRAM: fails when the Dockerfile cannot make an image in which the program runs: a package
# of the build stage that tests/deps/deps.sh does not install too, or a shared library of the program that no
# package of the last stage holds.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
program=$1
bad=0
wrong() { echo "image: $*" >&2; bad=1; }

# The packages of the Nth `apt-get install` of the Dockerfile.
packages_of() {
  sed -e ':a' -e '/\\$/{N;s/\\\n//;ba}' Dockerfile | grep 'apt-get install' | sed -n "$1p" |
    sed 's/.*--no-install-recommends//; s/&&.*//' | xargs -n1
}

# shellcheck disable=SC1090
. <(sed -n '/^build_packages="/,/"$/p; /^lab_packages="/,/"$/p' tests/deps/deps.sh)
[ "$(packages_of 1 | wc -l)" -gt 10 ] || wrong "read no packages of the build stage"
for package in $(packages_of 1); do
  [[ " ${build_packages//$'\n'/ } ${lab_packages//$'\n'/ } " == *" $package "* ]] ||
    wrong "the build stage installs $package, tests/deps/deps.sh does not"
done

# In every Debian image, since apt needs them.
installed=" libc6 libstdc++6 libgcc-s1 $(packages_of 2 | xargs) "
needed=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || wrong "$program says no libraries"
for library in $needed; do
  [[ $library != lib[aut]*san.so.* ]] || continue # of a sanitizer's build, which is no image
  package=$(dpkg -S "*/$library" 2>/dev/null | sed -n '1s/:.*//p')
  [[ -n $package && $installed == *" $package "* ]] ||
    wrong "$library of package ${package:-unknown} is not in the last stage"
done

grep -q '^USER 65532:65532$' Dockerfile || wrong "the image does not run as user 65532"
[ $bad = 0 ] || exit 1
echo "image: $(wc -w <<<"$needed") libraries are there"
