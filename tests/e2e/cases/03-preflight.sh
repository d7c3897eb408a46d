# shellcheck shell=bash disable=SC2034
suite=quick
claim="what Preflight can find out stops the run with exit 3 and advice, and nothing changes"

refused() {
  local name=$1
  shift
  restore "$name" "$case_dir/$name.yml"
  (
    expect_exit 3
    says "nothing was changed"
    for pattern in "$@"; do says "$pattern"; done
  ) || broken+=("$name")
}

tidy() { lab heal n2 >/dev/null 2>&1 || true; }

changed_config() {
  cp "$LAB/rancher-cluster.rkestate" "$case_dir/"
  config=$case_dir/rancher-cluster.yml
  sed "$1" "$LAB/rancher-cluster.yml" >"$config"
}

ssh_faults() {
  ssh-keygen -q -t ed25519 -N '' -f "$case_dir/other-key"
  changed_config "s|ssh_key_path: .*|ssh_key_path: $case_dir/other-key|"
  manifest "$case_dir/wrong-key.yml"
  config=''
  refused wrong-key "authorized_keys|ssh_key_path|key"
  sed "s|^$(address_of n2) ssh-ed25519 .*|$(address_of n2) $(cut -d' ' -f1,2 "$case_dir/other-key.pub")|
       /^$(address_of n2) \(ecdsa\|ssh-rsa\)/d" "$LAB/known_hosts" >"$case_dir/known_hosts"
  known_hosts=$case_dir/known_hosts
  manifest "$case_dir/host-key.yml"
  known_hosts=''
  refused host-key "n2" "host key" "known_hosts|ssh-keygen|ssh-keyscan"
  manifest "$case_dir/unreachable.yml"
  sed -i 's/^  strategy: Auto/&\n  deadlines: {preflight: 30s}\n  attempts: 2/' "$case_dir/unreachable.yml"
  lab cut n2
  refused unreachable "n2" "$(address_of n2)"
  # Of nodes that were reached only what was looked at may be said.
  ! grep -h 'etcdutl that runs' "$case_dir"/{host-key,unreachable}.out || broken+=(untrue-etcdutl)
  ! grep -h 'name the node in spec.replaceNodes' "$case_dir"/{host-key,wrong-key}.out || broken+=(advice)
  lab heal n2
}

# put NAME FILE: an object that claims to be a snapshot.
put() { lab s3 -q put "$2" "s3://etcd-snapshots/$1"; }

snapshot_faults() {
  local good=$LAB/snapshots/base name size
  size=$(stat -c %s "$good")
  head -c $((size / 2)) "$good" >"$case_dir/truncated"
  cp "$good" "$case_dir/flipped"
  printf "\\x$(printf %02x $((0x$(xxd -s $((size / 2)) -l 1 -p "$good") ^ 1)))" |
    dd of="$case_dir/flipped" bs=1 seek=$((size / 2)) conv=notrunc status=none
  echo '<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>' >"$case_dir/html"
  for name in truncated flipped html missing; do
    [ $name = missing ] || put $name "$case_dir/$name"
    manifest "$case_dir/$name.yml" $name
    only_from_s3 "$case_dir/$name.yml"
  done
  refused missing "no snapshot called missing" "etcd-snapshots.* holds [0-9]+, the newest .* ago"
  refused truncated "truncated|cut|incomplete|size|short"
  refused flipped "sha-?256|checksum|damaged|hash"
  refused html "html|not a snapshot|no snapshot|not an etcd"
}

s3_faults() {
  s3_secret=wrong
  manifest "$case_dir/secret.yml"
  only_from_s3 "$case_dir/secret.yml"
  s3_secret=''
  refused secret "SignatureDoesNotMatch|secret|credentials|key"
  s3_endpoint=$(sed -n 's/^S3_ENDPOINT=\(.*\):[0-9]*$/\1:1/p' "$LAB/s3.env")
  manifest "$case_dir/closed.yml"
  sed -i 's/^  strategy: Auto/&\n  attempts: 2/' "$case_dir/closed.yml"
  only_from_s3 "$case_dir/closed.yml"
  refused closed ":1" "refused|connect"
}

test_case() {
  local broken=() config='' known_hosts='' s3_secret='' s3_endpoint=''
  wreck etcd-data
  remember_cluster
  ssh_faults
  snapshot_faults
  s3_faults
  cluster_unchanged
  manifest "$case_dir/good.yml"
  restore good "$case_dir/good.yml"
  expect_exit 0
  [ ${#broken[@]} = 0 ] || fail "${#broken[@]} of the refusals were not as promised: ${broken[*]}"
}
