#!/usr/bin/env bash
# check_layers.sh [ROOT]: fails when a file includes what tests/layers.txt does not allow.
# check_layers.sh --self-test: fails when the check above would let a wrong include pass.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

# The rows of layers.txt first, then every include as FILE:LINE:TEXT.
judge='
function folder_of(file) { sub(/\/[^\/]*$/, "", file); return file }
function wrong(text) { print text; bad = 1 }
function allows(row, folder) { return index(" " may[row] " ", " " folder " ") > 0 }

NR == FNR {
  sub(/#.*/, "")
  if ($0 ~ /^[ \t]*$/) next
  if ($0 !~ /^[^ :]+:( |$)/) { wrong("layers.txt:" FNR ": no `FOLDER: FOLDERS`: " $0); next }
  row = $1
  sub(/:$/, "", row)
  in_header = sub(/^\*/, "", row)
  if (row in may) wrong("layers.txt:" FNR ": a second line for " row)
  if (in_header) headers[row] = 1
  if (row !~ /^</ && system("test -e \"" root "/" row "\"") != 0)
    wrong("layers.txt:" FNR ": " row " is not there")
  $1 = ""
  may[row] = $0 " "
  next
}

{
  split($0, part, ":")
  file = part[1]; where = part[1] ":" part[2]; folder = folder_of(file)
  own = file in may ? file : folder
}

match($0, /"[^"]+"/) {
  included = folder_of(substr($0, RSTART + 1, RLENGTH - 2))
  if (!(own in may)) wrong(where ": " folder " has no line in tests/layers.txt")
  else if (!(own == folder && included == folder) && !allows(own, included))
    wrong(where ": " own " may not include " included)
  next
}

match($0, /<[^>]+[.\/][^>]*>/) {
  header = substr($0, RSTART, RLENGTH - 1)
  row = header
  if (!(row in may)) sub(/\/.*/, "/", row)
  if (!(row in may)) wrong(where ": " header "> has no line in tests/layers.txt")
  else if (!allows(row, folder)) wrong(where ": " folder " may not include " header ">")
  else if (file ~ /\.h$/ && !(row in headers)) wrong(where ": a header may not include " header ">")
}

END { exit bad }
'

check() { # check ROOT RULES
  (cd "$1" && find crds operator reconcilers -name '*.h' -o -name '*.cc' | sort |
    xargs grep -HnE '^[[:space:]]*#[[:space:]]*include') |
    awk -v root="$1" "$judge" "$2" -
}

# refuses FILE INCLUDE COMPLAINT: a copy of the tree with one line more must be refused for it.
refuses() {
  local said
  cp -r "$here/../crds" "$here/../operator" "$here/../reconcilers" "$scratch"
  mkdir -p "$scratch/$(dirname "$1")"
  echo "#include $2" >>"$scratch/$1"
  if said=$(check "$scratch" "$here/layers.txt"); then
    echo "layers: $1 could include $2 and nobody noticed"
    failed=1
  elif [[ $said != "$1:"*"$3" || $said == *$'\n'* ]]; then
    printf 'layers: #include %s in %s gave another complaint than "%s":\n%s\n' "$2" "$1" "$3" "$said"
    failed=1
  fi
  rm -r "${scratch:?}"/*
}

self_test() {
  failed=0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  refuses operator/base/clock.cc '"operator/ports/node.h"' 'operator/base may not include operator/ports'
  refuses reconcilers/restore/steps.cc '"operator/adapters/ssh/ssh_node.h"' \
    'reconcilers/restore may not include operator/adapters/ssh'
  refuses operator/adapters/ssh/wire.cc '"operator/adapters/http/url.h"' \
    'operator/adapters/ssh may not include operator/adapters/http'
  refuses operator/cli/text.cc '"reconcilers/restore/steps.h"' \
    'operator/cli may not include reconcilers/restore'
  refuses operator/main.cc '"operator/base/log.h"' 'operator/main.cc may not include operator/base'
  refuses crds/schema.cc '"operator/adapters/yaml/yaml_loader.h"' \
    'crds may not include operator/adapters/yaml'
  refuses operator/cli/text.cc '<libssh2.h>' 'operator/cli may not include <libssh2.h>'
  refuses operator/adapters/ssh/wire.cc '<curl/curl.h>' \
    'operator/adapters/ssh may not include <curl/curl.h>'
  refuses operator/adapters/http/http_client.h '<curl/curl.h>' 'a header may not include <curl/curl.h>'
  refuses operator/base/log.cc '<spdlog/spdlog.h>' '<spdlog/spdlog.h> has no line in tests/layers.txt'
  refuses operator/new/new.cc '"operator/base/log.h"' 'operator/new has no line in tests/layers.txt'
  [ $failed = 0 ] && echo "layers: every wrong include was refused"
}

case ${1:-} in
--self-test) self_test ;;
*)
  root=$(cd "${1:-$here/..}" && pwd)
  check "$root" "$root/tests/layers.txt" || {
    echo "layers: mend the include, or the design and then tests/layers.txt" >&2
    exit 1
  }
  echo "layers: every include is allowed"
  ;;
esac
