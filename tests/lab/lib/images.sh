# Makes the stand-in images from programs of this machine and the pinned builds. Nothing is pulled.
# shellcheck shell=bash

XTABLES=/usr/lib/$(uname -m)-linux-gnu/xtables

# put_programs ROOT PATH...: copies programs with the libraries they load.
put_programs() {
  local root=$1 program library
  shift
  for program in "$@"; do
    install -D -m 755 "$(readlink -f "$program")" "$root$program"
    for library in $(ldd "$program" 2>/dev/null | grep -o '/[^ )]*'); do
      [ -e "$root$library" ] || install -D -m 755 "$(readlink -f "$library")" "$root$library"
    done
  done
}

# A root folder with merged /usr, a shell and the GNU tools that RKE's one-shot containers call.
new_root() {
  local root=$1 package program
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64,local/bin} "$root"/{etc,tmp,proc,sys,dev,run,var,root}
  chmod 1777 "$root/tmp"
  for program in bin sbin lib lib64; do ln -s "usr/$program" "$root/$program"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  [ "${2:-}" = empty ] && return 0
  put_programs "$root" /usr/bin/bash
  ln -s bash "$root/usr/bin/sh"
  for package in coreutils findutils tar grep sed gzip mount; do
    for program in $(dpkg -L $package | grep -E '^(/usr)?/s?bin/'); do
      [ -x "$program" ] && put_programs "$root" "/usr${program#/usr}"
    done
  done
  put_programs "$root" /usr/bin/{socat,nsenter}
}

busybox_root() {
  local root=$1 applet
  new_root "$root" empty
  install -m 755 "$(dpkg -L busybox-static | grep -E '/bin/busybox$')" "$root/usr/bin/busybox"
  for applet in sh sleep cat ls echo; do ln -s busybox "$root/usr/bin/$applet"; done
}

image_roots() {
  local work=$1
  new_root "$work/etcd" empty
  install -m 755 "$ETCD_BIN"/etcd{,ctl,utl} "$work/etcd/usr/local/bin/"

  new_root "$work/hyperkube"
  install -m 755 "$KUBE_BIN"/kube* "$work/hyperkube/usr/local/bin/"
  put_programs "$work/hyperkube" /usr/sbin/{nft,conntrack,ip}
  put_programs "$work/hyperkube" /usr/sbin/{iptables,iptables-save,iptables-restore,ip6tables}
  mkdir -p "$work/hyperkube$XTABLES"
  cp -a "$XTABLES/." "$work/hyperkube$XTABLES/"

  new_root "$work/rke-tools"
  install -D -m 755 -t "$work/rke-tools/opt/rke-tools" "$LAB_SRC/images/rke-tools/entrypoint.sh" \
    "$work/rke-etcd-backup"
  install -m 755 -t "$work/rke-tools/usr/local/bin" "$ETCD_BIN/etcdctl" \
    "$LAB_SRC"/images/rke-tools/{nc,cert-deployer,nginx-proxy}

  busybox_root "$work/pause"
  busybox_root "$work/plain"
}

# images_key: changes whenever a program version or a script that goes into an image changes.
images_key() {
  { cat "$LAB_SRC"/images/*/* "$LAB_SRC/lib/images.sh" "$LAB_SRC/lib/golden.sh"
    echo "$ETCD_VERSION $KUBE_VERSION $ETCD_IMAGE $HYPERKUBE_IMAGE $PAUSE_IMAGE $RKE_TOOLS_IMAGE"
    dpkg-query -W -f '${Package} ${Version}\n' coreutils docker.io containerd
  } | sha256sum | cut -c1-16
}
