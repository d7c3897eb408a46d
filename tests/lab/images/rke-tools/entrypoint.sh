#!/bin/bash
# Starts a Kubernetes program in RKE's way: kubelet first gets the node's devices and writable cgroups.
if [ "$1" = kubelet ]; then
  [ -d /host/dev ] && mount --rbind /host/dev /dev
  mount -o rw,remount /sys/fs/cgroup 2>/dev/null
  for controller in /sys/fs/cgroup/*; do
    [ -d "$controller" ] && mount -o rw,remount "$controller" 2>/dev/null
  done
fi
exec "$@"
