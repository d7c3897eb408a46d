#!/usr/bin/env bash
# All tests, one after another, with everything they need: what `make test` runs. Shows the time of each
# part; the last line is "N passed, N failed", and the exit code is 0 only when that is 0 failed.
# ALL_PARTS limits the parts, for instance ALL_PARTS="build unit".
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
exec </dev/null

passed=0 failed=0 began=$SECONDS
times=()
log=$(mktemp) && trap 'rm -f "$log"' EXIT
results=build/results
mkdir -p "$results"

# ctest's own count. What was skipped or did not run has not passed.
count_ctest() {
  local head tests=0 bad=0 name value
  head=$(tr '\n\t' '  ' 2>/dev/null <"$1" | grep -oE '<testsuite [^>]*>' | head -n 1)
  for name in tests failures disabled skipped; do
    value=$(sed -nE "s/.*[[:space:]]$name=\"([0-9]+)\".*/\1/p" <<<"$head")
    if [ "$name" = tests ]; then tests=${value:-0}; else bad=$((bad + ${value:-0})); fi
  done
  passed=$((passed + tests - bad))
  failed=$((failed + bad))
  counted=$tests
}

# A script tells "N passed, N failed" in its last lines, or it is one test.
count_script() {
  local said
  said=$(tail -n 5 "$log" | grep -oE '^[0-9]+ passed, [0-9]+ failed' | tail -n 1)
  if [ -n "$said" ]; then
    passed=$((passed + ${said%% *}))
    said=${said#*, }
    failed=$((failed + ${said%% *}))
    counted=1
  fi
}

# part NAME COMMAND...: a bad exit code is a failure, also when no test was counted as one.
part() {
  local name=$1 code=0 start=$SECONDS before=$failed state=passed counted=0
  shift
  [[ -z ${ALL_PARTS:-} || " $ALL_PARTS " == *" $name "* ]] || return 0
  printf '==== %s\n' "$name"
  rm -f "$results/$name.xml"
  "$@" 2>&1 | tee "$log" || code=1
  case $name in
  unit | integration) count_ctest "$results/$name.xml" ;;
  e2e) count_script ;;
  esac
  if [ $code != 0 ] && [ $failed = $before ]; then
    failed=$((failed + 1))
  elif [ $code = 0 ] && [ $counted = 0 ]; then
    passed=$((passed + 1))
  fi
  [ $failed = $before ] || state=FAILED
  times+=("$(printf '%-14s %-8s %5d s' "$name" "$state" $((SECONDS - start)))")
  [ $state = passed ]
}

finish() {
  printf '====\n'
  printf '%s\n' "${times[@]}"
  printf '%-23s %5d s\n' total $((SECONDS - began))
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ $failed = 0 ] && [ $passed != 0 ]
  exit
}

run_ctest() { # run_ctest NAME SELECTION...
  local name=$1
  shift
  ctest --preset dev -j"$(nproc)" --no-tests=error --output-junit "$PWD/$results/$name.xml" "$@"
}

end_to_end() {
  [ -x tests/e2e/run.sh ] || { echo "tests/e2e/run.sh is not there"; return 1; }
  ETCDRESTORE_LAB=${E2E_LAB:-/var/lib/etcdrestore-e2e} tests/e2e/run.sh quick
}

# Without these two nothing else can be tried.
part deps make --no-print-directory deps || finish
part build make --no-print-directory build || finish
part format-check tests/check_format.sh
part tidy tests/tidy.sh
part unit run_ctest unit --label-exclude integration
part integration run_ctest integration --label-regex integration
part e2e end_to_end
finish
