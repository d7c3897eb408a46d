#!/usr/bin/env bash
# Restores a real RKE cluster in many ways, and proves each claim on it.
#   run.sh [quick | all | NAME...]     NAME: the number or the name of a case in cases/
# ETCDRESTORE_BIN names the program, ETCDRESTORE_LAB the lab's folder. The lab is made when it is not
# there; one that this script made is removed at the end, unless E2E_KEEP_LAB is set.
set -uo pipefail
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/lib.sh"

results=${E2E_RESULTS:-$repository/build/e2e}

list_cases() {
  local name file
  [ $# -gt 0 ] || set -- quick
  for name in "$@"; do
    case $name in
    all) ls "$e2e_dir"/cases/*.sh ;;
    quick) grep -lx 'suite=quick' "$e2e_dir"/cases/*.sh ;;
    *)
      file=$(ls "$e2e_dir"/cases/ | grep -E "^$name-|^$name.sh$|^[0-9]+-$name.sh$" | head -1)
      [ -n "$file" ] || { echo "no such case: $name" >&2; return 1; }
      echo "$e2e_dir/cases/$file"
      ;;
    esac
  done
}

field() { (
  claim='' suite=all lab_options=''
  # shellcheck source=/dev/null
  . "$1"
  echo "${!2}"
); }

# A case begins on a healthy lab of the kind it asks for; what an earlier one broke is made anew.
prepare_lab() {
  local options=$1
  if [ -f "$LAB/complete" ] && [ "$(cat "$LAB/complete")" = "$options" ] &&
    [ ! -f "$LAB/e2e-broken" ] && cluster_healthy >/dev/null 2>&1; then
    return 0
  fi
  [ ! -e "$LAB" ] || lab down
  # shellcheck disable=SC2086 # options are words
  lab up $options && wait_until 60 "a healthy cluster" cluster_healthy
}

run_case() {
  local file=$1 name claim options began code
  name=$(basename "$file" .sh)
  claim=$(field "$file" claim)
  options=$(field "$file" lab_options)
  case_dir=$results/$name
  rm -rf "$case_dir"
  mkdir -p "$case_dir"
  printf -- '---- %s: %s\n' "$name" "$claim"
  if ! (prepare_lab "$options") >"$case_dir/lab.log" 2>&1; then
    tail -5 "$case_dir/lab.log"
    printf 'FAIL   %-28s the lab is not there: %s\n' "$name" "$case_dir/lab.log"
    failed+=("$name")
    return
  fi
  began=$SECONDS
  (
    set -e
    running='' state_dir=$case_dir/state
    end() {
      [ -z "$running" ] || kill -9 "$running" 2>/dev/null || true
      ! declare -F tidy >/dev/null || tidy || true
    }
    trap end EXIT
    # shellcheck source=/dev/null
    . "$file"
    test_case
  ) > >(tee "$case_dir/log" | grep -E '^       |^CLAIM' --line-buffered) 2>"$case_dir/trace"
  code=$?
  wait $! 2>/dev/null
  if [ $code = 0 ]; then
    printf 'PASS   %-28s %4d s\n' "$name" $((SECONDS - began))
    passed+=("$name")
    rm -rf "$case_dir"
  else
    printf 'FAIL   %-28s %4d s  %s\n' "$name" $((SECONDS - began)) "$case_dir"
    failed+=("$name")
    touch "$LAB/e2e-broken"
  fi
}

program=$(find_program) || exit 1
export program
chosen=$(list_cases "$@") || exit 2
mkdir -p "$results"
passed=() failed=() made_lab=no began_all=$SECONDS
[ -e "$LAB" ] || made_lab=yes
echo "program $program ($("$program" version)), lab $LAB"
# Cases on the usual lab come first: the lab is made as seldom as possible.
while read -r file; do
  run_case "$file" </dev/null
done < <(for file in $chosen; do printf '%s\t%s\n' "$(field "$file" lab_options)" "$file"; done | sort -s -t$'\t' -k1,1 | cut -f2)
if [ $made_lab = yes ] && [ -z "${E2E_KEEP_LAB:-}" ]; then lab down; fi
echo "${#passed[@]} passed, ${#failed[@]} failed in $((SECONDS - began_all)) s${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
