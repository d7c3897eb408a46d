#!/usr/bin/env bash
# tidy.sh [FILE...]: clang-tidy over the sources of crds/, operator/ and reconcilers/, or over those named.
# A file is looked at anew only when something that its verdict rests on has changed: the file, a header
# it includes, its compiler flags, .clang-tidy or clang-tidy itself. A file found good is remembered by the
# hash of all these in ${ETCDRESTORE_CACHE:-~/.cache/etcdrestore}/tidy; one with a finding never is.
# Which headers a file includes is what ninja noted in the last build, so build first.
set -euo pipefail
self=$(readlink -f "$0")
cd "$(dirname "$self")/.."
build=$PWD/build/dev
good=${ETCDRESTORE_CACHE:-$HOME/.cache/etcdrestore}/tidy

fail() { echo "tidy: $*" >&2; exit 1; }

# tidy.sh look KEY FILE: the part of a worker. The findings of one file are printed in one piece.
look() {
  local findings
  if findings=$(clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>&1); then
    : >"$good/$1"
  else
    grep -vE '^[0-9]+ warnings? (generated|treated)' <<<"$findings"
    return 1
  fi
}
[ "${1:-}" != look ] || { look "$2" "$3"; exit; }

# Outside a checkout (a source archive, a copied folder) git knows no files: take those that are there.
sources() {
  { git ls-files --cached --others --exclude-standard -- {crds,operator,reconcilers}/'*.cc' 2>/dev/null ||
    find crds operator reconcilers -name '*.cc'; } |
    while read -r file; do [ ! -e "$file" ] || echo "$file"; done
}

# keys: "KEY SOURCE" for every source that was compiled. The key is the hash of all that the verdict rests
# on; the path of this checkout is taken out, so that every checkout has the same.
keys() {
  ninja -C "$build" -t deps >"$scratch/deps"
  awk '/^ / {print $1}' "$scratch/deps" | sort -u >"$scratch/read"
  (cd "$build" && xargs -d '\n' sha256sum -- <"$scratch/read") >"$scratch/digests"
  { clang-tidy --version | grep version && cat .clang-tidy; } >"$scratch/rules"
  mkdir "$scratch/facts"
  awk -v root="$PWD" -v rules="$(sha256sum <"$scratch/rules")" -v out="$scratch/facts/" '
    function relative(path) {
      while ((at = index(path, root)) > 0)
        path = substr(path, 1, at - 1) substr(path, at + length(root))
      sub(/^(\/|(\.\.\/)+)/, "", path)
      return path
    }
    FILENAME ~ /digests$/ {hash[$2] = $1; next}
    /^[^ ]+: #deps/ {source = ""; next}
    FILENAME ~ /deps$/ && NF {
      if (source == "") source = relative($1)
      facts[source] = facts[source] relative($1) " " hash[$1] "\n"
    }
    /"command":/ {command = relative($0)}
    /"file":/ {gsub(/[",]/, "", $2); flags[relative($2)] = command}
    END {
      for (source in facts) {
        name = source
        gsub("/", "%", name)
        print rules "\n" flags[source] "\n" facts[source] >(out name)
        close(out name)
      }
    }' "$scratch/digests" "$scratch/deps" "$build/compile_commands.json"
  (cd "$scratch/facts" && find . -type f -print0 | xargs -0 sha256sum) | sed 's|  \./| |; s|%|/|g'
}

command -v clang-tidy >/dev/null || fail "clang-tidy is missing: run make deps"
[ -e "$build/compile_commands.json" ] || fail "nothing was compiled yet: run make build"
mkdir -p "$good"
find "$good" -type f -mtime +30 -delete
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT

if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(sources); fi
[ ${#files[@]} -gt 0 ] || fail "found no file to look at"
keys >"$scratch/keys"
declare -A key
while read -r hash file; do key[$file]=$hash; done <"$scratch/keys"
anew=()
for file in "${files[@]}"; do
  [ -n "${key[$file]:-}" ] || fail "$file is no part of the last build: run make build"
  if [ -e "$good/${key[$file]}" ]; then touch "$good/${key[$file]}"; else anew+=("${key[$file]}" "$file"); fi
done
code=0
[ ${#anew[@]} = 0 ] || printf '%s\0' "${anew[@]}" | xargs -0 -n 2 -P "$(nproc)" "$self" look || code=1
echo "tidy: ${#files[@]} files, $((${#anew[@]} / 2)) looked at anew"
exit $code
