# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--user rancher"
claim="a user who may only use Docker is enough"
