#!/bin/bash
# Process 1 of a lab node: builds the node's root folder in its own namespaces, enters it and starts
# containerd (for kubelet), dockerd and sshd. Everything ends, unmounted, when this process ends.
# Arguments: node folder, node name.
set -euo pipefail
folder=$1 name=$2

mount --make-rprivate /
cd "$folder"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount --rbind /dev root/dev
mount --make-rslave root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir -p root/var/lib/docker root/var/lib/lab-cri root/var/lib/etcd
mount --bind disk/docker root/var/lib/docker
mount --bind disk/cri root/var/lib/lab-cri
if [ -f disk/etcd.img ]; then mount -o loop disk/etcd.img root/var/lib/etcd; fi

if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  # cgroup v2: processes may only live in leaves once controllers are handed down.
  mount -t cgroup2 cgroup2 root/sys/fs/cgroup
  mkdir -p root/sys/fs/cgroup/init
  for pid in $(cat root/sys/fs/cgroup/cgroup.procs); do
    echo "$pid" >root/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
  done
  sed 's/[^ ]*/+&/g' root/sys/fs/cgroup/cgroup.controllers >root/sys/fs/cgroup/cgroup.subtree_control
else
  mount -t tmpfs -o mode=755 tmpfs root/sys/fs/cgroup
  for controller in /sys/fs/cgroup/*/; do
    kind=$(basename "$controller")
    case $kind in unified) continue ;; systemd) option=none,name=systemd ;; *) option=$kind ;; esac
    mkdir -p "root/sys/fs/cgroup/$kind"
    mount -t cgroup -o "$option" cgroup "root/sys/fs/cgroup/$kind"
  done
fi

mkdir -p root/.old
pivot_root root root/.old
cd /
umount -l /.old
mount --make-rshared /
hostname "$name"
mkdir -p /run/sshd /run/lock
ip link set lo up
until ip -4 addr show dev eth0 2>/dev/null | grep -q inet; do sleep 0.05; done

exec >/var/log/lab-node.log 2>&1 </dev/null
unset DOCKER_HOST
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

# keep COMMAND...: runs it again whenever it ends, as an init system would.
keep() {
  while :; do
    "$@" >>"/var/log/lab-${1##*/}.log" 2>&1 || true
    sleep 0.3
  done
}

keep /usr/sbin/sshd -D -e -f /usr/local/lib/etcdrestore/sshd_config &
keep containerd -c /usr/local/lib/etcdrestore/cri.toml &
mkdir -p /etc/docker
runtime=runc
if [ -x /usr/local/lib/etcdrestore/runc ]; then runtime=lab; fi
keep dockerd --iptables=false --ip6tables=false --storage-driver overlay2 --default-runtime "$runtime" \
  --add-runtime lab=/usr/local/lib/etcdrestore/runc --exec-opt native.cgroupdriver=cgroupfs \
  --default-cgroupns-mode host --oom-score-adjust 0 &
until ctr -a /run/cri-dockerd.sock version; do sleep 0.1; done
ctr -a /run/cri-dockerd.sock -n k8s.io images import /var/lib/docker/pods.tar &&
  touch /run/lab-pods-loaded
wait
