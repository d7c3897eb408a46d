#!/usr/bin/env bash
# Claims about tests/tidy.sh, tried on a tree of three small files. One line a claim; exit 1 when one is false.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(mktemp -d) && trap 'rm -rf "$root"' EXIT
export ETCDRESTORE_CACHE=$root/cache
failed=0

# expect CLAIM CODE TEXT...: what the last `tidy` gave.
expect() {
  local claim=$1 code=$2 text
  shift 2
  [ "$said_code" = "$code" ] || { wrong "$claim" "exit $said_code, not $code"; return; }
  for text in "$@"; do
    grep -qF -- "$text" <<<"$said" || { wrong "$claim" "no \"$text\""; return; }
  done
  echo "ok: $claim"
}
wrong() { printf 'FALSE: %s: %s\n%s\n' "$1" "$2" "$said"; failed=1; }

# compile [FLAG]: builds the tree; the flag is for crds/two.cc alone.
compile() {
  local build=$tree/build/dev
  mkdir -p "$build"
  cat >"$build/build.ninja" <<EOF
rule cc
  command = c++ -I$tree \$flag -MD -MF \$out.d -c \$in -o \$out
  depfile = \$out.d
  deps = gcc
build one.o: cc $tree/crds/one.cc
build two.o: cc $tree/crds/two.cc
  flag = ${1:-}
EOF
  ninja -C "$build" >/dev/null
  ninja -C "$build" -t compdb >"$build/compile_commands.json"
}
tidy() {
  said_code=0
  said=$("$tree/tests/tidy.sh" "$@" 2>&1) || said_code=$?
}

tree=$root/tree
mkdir -p "$tree/tests" "$tree/crds" "$tree/operator" "$tree/reconcilers"
cp "$here/tidy.sh" "$tree/tests/"
cat >"$tree/.clang-tidy" <<'EOF'
Checks: '-*,readability-braces-around-statements'
WarningsAsErrors: '*'
HeaderFilterRegex: '/crds/.*\.h$'
EOF
printf 'int One(int x) { return x; }\n' >"$tree/crds/one.cc"
printf 'inline int Both(int x) { return x; }\n' >"$tree/crds/both.h"
printf '#include "both.h"\nint Two(int x) { return Both(x); }\n' >"$tree/crds/two.cc"

tidy
expect "nothing is called good before a build" 1 "run make build"
compile
tidy
expect "every file is looked at once" 0 "tidy: 2 files, 2 looked at anew"
tidy
expect "what was found good is not looked at again" 0 "tidy: 2 files, 0 looked at anew"

mkdir "$root/second" && cp -r "$tree"/{tests,crds,operator,reconcilers,.clang-tidy} "$root/second/"
tree=$root/second
compile
tidy
expect "a second checkout knows what the first found good" 0 "tidy: 2 files, 0 looked at anew"
tree=$root/tree

printf 'inline int Both(int x) { if (x == 1) return 2; return x; }\n' >"$tree/crds/both.h"
compile
tidy
expect "a finding in a header is printed and fails who includes it" 1 \
  "both.h:1:" readability-braces-around-statements "tidy: 2 files, 1 looked at anew"
tidy
expect "a file with a finding is never called good" 1 \
  readability-braces-around-statements "tidy: 2 files, 1 looked at anew"
tidy crds/one.cc
expect "files can be named" 0 "tidy: 1 files, 0 looked at anew"

printf 'inline int Both(int x) { return x; }\n' >"$tree/crds/both.h"
compile
tidy
expect "a header that is again as it was needs no new look" 0 "tidy: 2 files, 0 looked at anew"
compile -DLATER
tidy
expect "other compiler flags need a new look at that file alone" 0 "tidy: 2 files, 1 looked at anew"
printf '# other rules\n' >>"$tree/.clang-tidy"
tidy
expect "other rules need a new look at everything" 0 "tidy: 2 files, 2 looked at anew"

printf 'int Three();\n' >"$tree/crds/three.cc"
tidy
expect "a file that no build compiles is refused" 1 "crds/three.cc is no part of the last build"
[ $failed = 0 ]
