# Starts and ends nodes. A node is process 1 of its own namespaces: killing that process ends all of it.
# shellcheck shell=bash

node_dir() { echo "$LAB/node/$1"; }
node_names() { awk '{ print $1 }' "$LAB/nodes" 2>/dev/null || true; }
node_field() { awk -v n="$1" -v f="$2" '$1 == n { print $f }' "$LAB/nodes"; }
node_address() { node_field "$1" 2; }

# Prints the pid of the node's process 1; fails when the node is down.
node_pid() { read_pid "$(node_dir "$1")/pid" 2>/dev/null; }

in_node() {
  local pid
  pid=$(node_pid "$1") || die "node $1 is down"
  shift
  nsenter -t "$pid" --mount --uts --ipc --net --pid --cgroup -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}

# A node's files that exist before its first start: keys, users, resolver, disk.
node_files() {
  local node=$1 images=$2 dir upper kind user
  dir=$(node_dir "$node")
  upper=$dir/upper
  mkdir -p "$upper"/{etc/ssh,root/.ssh,usr/bin,usr/local/lib/etcdrestore/cni} "$dir"/{work,root,disk/cri}
  cp "$LAB_SRC"/node/{init.sh,sshd_config,cri.toml} "$upper/usr/local/lib/etcdrestore/"
  cp "$LAB_SRC/node/runc" "$upper/usr/local/lib/etcdrestore/runc"
  if (($(sed -n 's/^CapBnd:\s*/0x/p' /proc/self/status) >> 24 & 1)); then
    rm "$upper/usr/local/lib/etcdrestore/runc"
    sed -i '/BinaryName/d' "$upper/usr/local/lib/etcdrestore/cri.toml"
  fi
  cat >"$upper/usr/local/lib/etcdrestore/cni/10-lab.conflist" <<END
{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "cni0",
 "isGateway": true, "ipam": {"type": "host-local", "dataDir": "/run/lab-cni",
 "ranges": [[{"subnet": "10.42.${node##*n}.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
  for kind in ed25519 ecdsa rsa; do
    ssh-keygen -q -t $kind -N '' -C "$node" -f "$upper/etc/ssh/ssh_host_${kind}_key"
    echo "$(node_address "$node") $(cut -d' ' -f1,2 "$upper/etc/ssh/ssh_host_${kind}_key.pub")" \
      >>"$dir/known_hosts"
  done
  install -m 600 "$LAB/id_rsa.pub" "$upper/root/.ssh/authorized_keys"
  chmod 700 "$upper/root/.ssh" "$upper/root"
  # What this machine's root starts with each shell is not the node's.
  : | tee "$upper/root/.bashrc" "$upper/root/.profile" "$upper/root/.bash_profile"
  printf '127.0.0.1 localhost\n%s %s\n' "$(node_address "$node")" "$node" >"$upper/etc/hosts"
  echo 'nameserver 127.0.0.1' >"$upper/etc/resolv.conf"
  echo "$node" >"$upper/etc/hostname"
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$upper/etc/machine-id"
  mknod "$upper/usr/bin/unzip" c 0 0
  node_users "$upper"
  if [ "$images" = yes ]; then clone_golden "$dir/disk/docker"; else
    mkdir -p "$dir/disk/docker"
    cp "$GOLDEN/pods.tar" "$dir/disk/docker/"
  fi
}

# rancher may use Docker but not sudo, ops may use sudo but not Docker, ubuntu may use both.
node_users() {
  local upper=$1 user id
  cp -a /etc/{passwd,group,shadow,gshadow} "$upper/etc/"
  for user in rancher:2001 ops:2002 ubuntu:2003; do
    id=${user#*:}
    user=${user%:*}
    sed -i "/^$user:/d" "$upper"/etc/{passwd,group,shadow}
    echo "$user:x:$id:$id::/home/$user:/bin/bash" >>"$upper/etc/passwd"
    echo "$user:x:$id:" >>"$upper/etc/group"
    echo "$user:*:20000:0:99999:7:::" >>"$upper/etc/shadow"
    install -d -m 755 -o "$id" -g "$id" "$upper/home/$user" "$upper/home/$user/.ssh"
    install -m 600 -o "$id" -g "$id" "$LAB/id_rsa.pub" "$upper/home/$user/.ssh/authorized_keys"
  done
  sed -i 's/^\(docker:x:[0-9]*:\).*/\1rancher,ubuntu/' "$upper/etc/group"
  sed -i 's/^root:[^:]*:/root:*:/' "$upper/etc/shadow"
  install -d -m 750 "$upper/etc/sudoers.d"
  printf '%s ALL=(ALL) NOPASSWD: ALL\n' ops ubuntu >"$upper/etc/sudoers.d/lab"
  chmod 440 "$upper/etc/sudoers.d/lab"
}

# Puts the calling process into the node's own cgroup in every hierarchy.
enter_cgroup() {
  local path=etcdrestore-$BRIDGE/$1 root file
  for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -f "$root/cgroup.procs" ] || continue
    mkdir -p "$root/$path"
    for file in cpuset.cpus cpuset.mems; do
      [ -f "$root/$path/$file" ] || continue
      cat "$root/$file" >"$root/${path%/*}/$file" 2>/dev/null || true
      cat "$root/$file" >"$root/$path/$file" 2>/dev/null || true
    done
    echo 0 >"$root/$path/cgroup.procs" 2>/dev/null || true
  done
}

start_node() {
  local node=$1 dir launcher pid=
  dir=$(node_dir "$node")
  node_pid "$node" >/dev/null && return 0
  (
    enter_cgroup "$node"
    cd /
    exec {lab_lock}>&-
    ETCDRESTORE_LAB_NODE=$dir exec setsid unshare --mount --uts --ipc --net --cgroup --pid --fork \
      --kill-child bash "$dir/upper/usr/local/lib/etcdrestore/init.sh" "$dir" "$node" \
      </dev/null >"$dir/init.log" 2>&1
  ) &
  launcher=$!
  disown $launcher
  until [ "$(cat /proc/$launcher/comm 2>/dev/null)" = unshare ] &&
    pid=$(cat /proc/$launcher/task/$launcher/children) && [ -n "$pid" ]; do
    kill -0 $launcher 2>/dev/null || { cat "$dir/init.log"; die "node $node did not start"; }
    sleep 0.02
  done
  pid=${pid%% *}
  write_pid "$dir/pid" "$pid"
  plug "$node" "$(node_address "$node")" "$pid"
}

node_ready() {
  in_node "$1" sh -c 'docker version && test -e /run/lab-pods-loaded && test -S /run/cri-dockerd.sock'
}

stop_node() {
  local pid
  pid=$(node_pid "$1") || return 0
  kill -9 "$pid"
  wait_for 20 "the end of $1" test ! -e "/proc/$pid"
}
