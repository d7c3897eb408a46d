# shellcheck shell=bash disable=SC2034
suite=all
claim="a copy that changed between plan and run is found out or made again; etcd never serves it"

# The restored database that waits beside the live data on a node.
waiting_db() {
  on "$1" "find /var/lib/etcd-restored-* -path '*/member/snap/db' -newer $2 2>/dev/null | head -1"
}

spoiled_by() {
  local name=$1 command=$2 db sum
  manifest "$case_dir/$name.yml"
  on n2 touch /run/e2e-mark
  run_program "$name-plan" plan -f "$case_dir/$name.yml" --state-dir "$state_dir" -o plain
  expect_exit 0
  db=$(waiting_db n2 /run/e2e-mark)
  [ -n "$db" ] || fail "no restored database waits on n2 after plan"
  sum=$(on n2 sha256sum "$db")
  on n2 "$command" "$db"
  [ "$sum" != "$(on n2 sha256sum "$db")" ] || fail "the copy was not changed: nothing would be proved"
  note "$name: $db"
  restore "$name" "$case_dir/$name.yml"
  case $code in
  0) restored && wreck etcd-data ;;
  3 | 4) on n2 'docker ps -q --filter name=^/etcd$ | grep -q .' && fail "etcd was started on the changed copy" ;;
  *) expect_exit "0, 3 or 4" ;;
  esac
  true
}

test_case() {
  wreck etcd-data
  spoiled_by cut-short 'truncate -s 100000'
  spoiled_by flipped 'f() { dd if=/dev/urandom of="$1" bs=1 seek=300000 count=1 conv=notrunc; }; f'
  manifest "$case_dir/good.yml"
  restore good "$case_dir/good.yml"
  expect_exit 0
  restored
}
