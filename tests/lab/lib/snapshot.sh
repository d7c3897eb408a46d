# Snapshots by the real rke, and one node's copy of them in S3.
# shellcheck shell=bash

etcd_nodes() { awk '$3 ~ /etcd/ { print $1 }' "$LAB/nodes"; }
control_nodes() { awk '$3 ~ /controlplane/ { print $1 }' "$LAB/nodes"; }
cluster_nodes() { awk '$3 != "-" { print $1 }' "$LAB/nodes"; }

# snapshot NAME [--zip]: rke leaves NAME.zip on every etcd node, and no two of them are equal. S3 gets
# the first node's: the database alone under NAME, or with --zip the archive under NAME.zip.
snapshot() {
  local name=$1 kind=${2:-raw} node file
  if [ "$name" = --recurring ]; then name=$(date -u +%Y-%m-%dT%H:%M:%SZ)_etcd; fi
  [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._:+-]*$ ]] || die "no good name for a snapshot: $name"
  rke etcd snapshot-save --name "$name" --config rancher-cluster.yml >"$LAB/rke-save.log" 2>&1 ||
    { tail -5 "$LAB/rke-save.log" >&2; die "rke etcd snapshot-save failed"; }
  node=$(etcd_nodes | head -1)
  mkdir -p "$LAB/snapshots"
  file=$LAB/snapshots/$name
  in_node "$node" cat "/opt/rke/etcd-snapshots/$name.zip" >"$file.zip"
  unzip -p "$file.zip" "/backup/$name" >"$file"
  in_node "$node" tar -C / -cz etc/kubernetes/ssl >"$LAB/snapshots/pki.bundle.tar.gz"
  upload "$LAB/snapshots/pki.bundle.tar.gz" pki.bundle.tar.gz
  if [ "$kind" = --zip ]; then upload "$file.zip" "$name.zip"; else upload "$file" "$name"; fi
  say "snapshot $name: $(stat -c %s "$file") bytes, from $node to S3"
}

upload() {
  . "$LAB/s3.env"
  s3 put "$1" "s3://$S3_BUCKET/$2" >/dev/null
}
