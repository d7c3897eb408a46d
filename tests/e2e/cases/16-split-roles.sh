# shellcheck shell=bash disable=SC2034
# shellcheck source=/dev/null
. "$e2e_dir/shape.sh"
suite=all
lab_options="--roles n1=etcd,n2=etcd,n3=etcd,n4=controlplane,n5=worker"
claim="etcd, control plane and workers on nodes of their own are restored in place"
