# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--nodes 1 --workers 2"
claim="workers are restarted; nothing of etcd is asked of them"
