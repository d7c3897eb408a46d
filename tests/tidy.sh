#!/usr/bin/env bash
# tidy.sh [--all]: clang-tidy over the sources that differ from main, or over all of them. It needs about
# ten seconds of a processor a file, so it is no part of `make test`; run it before a branch is merged.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

command -v clang-tidy >/dev/null || { echo "tidy: clang-tidy is missing: run make deps" >&2; exit 1; }
base=${TIDY_BASE:-main}
select_files() {
  if [ "${1:-}" = --all ]; then
    git ls-files -- 'crds/*.cc' 'operator/*.cc' 'reconcilers/*.cc'
  else
    git diff --name-only --diff-filter=d "$(git merge-base "$base" HEAD)" -- 'crds/*.cc' 'operator/*.cc' \
      'reconcilers/*.cc'
  fi
}
mapfile -t files < <(select_files "$@")
[ ${#files[@]} -gt 0 ] || { echo "tidy: no source differs from $base; make tidy ALL=1 looks at all"; exit 0; }
# Sources that the build makes must be there before clang-tidy can read what includes them.
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/dev --quiet 2> >(grep -v 'warnings generated' >&2)
echo "tidy: ${#files[@]} files"
