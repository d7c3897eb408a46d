# Builds the pinned Go programs once; the cache is keyed by version.
# shellcheck shell=bash

# build_program FAMILY VERSION OUTPUT PACKAGE LDFLAGS
build_program() {
  local family=$1 version=$2 output=$3 package=$4 flags=$5 dir
  dir=$CACHE/bin/$family-$version
  [ -x "$dir/$output" ] && return 0
  mkdir -p "$dir"
  say "building $output $version"
  (cd "$TOOLS_DIR/$family" &&
    CGO_ENABLED=0 go build -trimpath -mod=readonly -buildvcs=false -ldflags "-s -w $flags" \
      -o "$dir/$output.part" "$package") || die "building $output $version failed"
  mv "$dir/$output.part" "$dir/$output"
  say "built $output $version"
}

build_kubernetes() {
  local v=k8s.io/component-base/version program
  for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    build_program kubernetes $KUBE_VERSION $program k8s.io/kubernetes/cmd/$program \
      "-X $v.gitVersion=v$KUBE_VERSION -X $v.gitMajor=1 -X $v.gitMinor=32"
  done
}

build_all() {
  command -v go >/dev/null || die "Go is missing: run tests/deps/deps.sh"
  mkdir -p "$CACHE"
  exec {build_lock}>"$CACHE/build.lock"
  flock "$build_lock"
  build_program etcd $ETCD_VERSION etcd go.etcd.io/etcd/server/v3 ""
  build_program etcd $ETCD_VERSION etcdctl go.etcd.io/etcd/etcdctl/v3 ""
  build_program etcd $ETCD_VERSION etcdutl go.etcd.io/etcd/etcdutl/v3 ""
  build_program rke $RKE_VERSION rke github.com/rancher/rke "-X main.VERSION=v$RKE_VERSION"
  build_program versitygw $VERSITYGW_VERSION versitygw \
    github.com/versity/versitygw/cmd/versitygw "-X main.Version=v$VERSITYGW_VERSION"
  build_kubernetes
  exec {build_lock}>&-
}
