# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--etcd-disk"
wreck_kind=corrupt
claim="etcd data on a disk of its own is restored and kept on that disk"

also() {
  local node
  for node in $(etcd_nodes); do
    on "$node" mountpoint -q /var/lib/etcd || fail "/var/lib/etcd of $node is no mount any more"
    on "$node" 'ls -d /var/lib/etcd/.before-*/member' >/dev/null || fail "$node: old data is not on etcd's disk"
  done
}
