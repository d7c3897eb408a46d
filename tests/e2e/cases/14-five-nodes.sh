# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--nodes 5"
claim="five nodes with all roles are restored in place"
