#!/usr/bin/env bash
# Fails when a C++ file is not as clang-format writes it, and names the lines. `make format` mends it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

command -v clang-format >/dev/null || { echo "format: clang-format is missing: run make deps" >&2; exit 1; }
# Outside a checkout (a source archive, a copied folder) git knows no files: take those that are there.
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' 2>/dev/null ||
  find crds operator reconcilers tests -name '*.h' -o -name '*.cc')
for at in "${!files[@]}"; do [ -e "${files[at]}" ] || unset "files[at]"; done
[ ${#files[@]} -gt 0 ] || { echo "format: found no file to look at" >&2; exit 1; }

if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
elif ! clang-format --dry-run -Werror "${files[@]}"; then
  echo "format: the lines above are not as clang-format writes them; make format mends them" >&2
  exit 1
fi
echo "format: ${#files[@]} files"
