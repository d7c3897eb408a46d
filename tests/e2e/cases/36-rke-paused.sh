# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/cases/35-rebuild-applied.sh"
# shellcheck source=/dev/null
. "$e2e_dir/cases/32-leader-paused.sh"
suite=all
claim="an rke that a stopped leader had started is ended before another one leads"

tidy() {
  [ -z "${paused:-}" ] || kill -CONT "${pids[$paused]}" 2>/dev/null || true
  stop_management
  touch "$LAB/e2e-broken"
}
rke_runs() { pgrep -f "^$rke_program .*$management/state"; }

test_case() {
  local new address
  start_management
  replacing "$case_dir/m.yml"
  start_operator first
  apply "$case_dir/m.yml"
  wait_until 300 "the start of rke" rke_runs
  pause_leader_at RkeUp
  start_operator second
  wait_until 60 "another leader" grep -q '"msg":"Leading"' "$management/second.log"
  ! rke_runs || fail "the rke of the leader that stands still runs under another one's Lease"
  succeeds 1200
  replaced
  wake
}
