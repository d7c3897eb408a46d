# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options=""
claim="a user who may only use sudo is enough"

# rke cannot work as this user, the program can.
change_config() { sed -i 's/user: root/user: ops/' "$1"; }
