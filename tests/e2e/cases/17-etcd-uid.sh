# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--etcd-uid 2379"
claim="etcd that runs as a user of its own gets data that it owns"

also() {
  local node
  for node in $(etcd_nodes); do
    [ -z "$(on "$node" 'find /var/lib/etcd/member ! -uid 2379')" ] || fail "$node: files of another user"
  done
}
