# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/cases/10-replace-node.sh"
suite=all
claim="a new node without any image gets the ones it needs from the others"
add_options=--no-images
