# A real S3 server on the bridge's host address, so that this machine and the nodes reach it alike.
# shellcheck shell=bash

s3_up() {
  mkdir -p "$LAB/s3/data/etcd-snapshots"
  [ -f "$LAB/s3.env" ] || cat >"$LAB/s3.env" <<END
S3_ENDPOINT=http://$NET.1:$S3_PORT
S3_REGION=us-east-1
S3_BUCKET=etcd-snapshots
S3_ACCESS_KEY=lab$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n')
S3_SECRET_KEY=$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')
END
  chmod 600 "$LAB/s3.env"
  . "$LAB/s3.env"
  cat >"$LAB/s3.cfg" <<END
[default]
access_key = $S3_ACCESS_KEY
secret_key = $S3_SECRET_KEY
host_base = $NET.1:$S3_PORT
host_bucket = $NET.1:$S3_PORT
bucket_location = $S3_REGION
use_https = False
signature_v2 = False
END
  s3_pid >/dev/null && return 0
  ROOT_ACCESS_KEY=$S3_ACCESS_KEY ROOT_SECRET_KEY=$S3_SECRET_KEY ETCDRESTORE_LAB_NODE=$LAB/s3 \
    setsid "$VERSITYGW_BIN/versitygw" --region "$S3_REGION" --port "$NET.1:$S3_PORT" posix \
    "$LAB/s3/data" </dev/null >"$LAB/s3/log" 2>&1 {lab_lock}>&- &
  disown $!
  write_pid "$LAB/s3/pid" $!
  wait_for 15 "the S3 server" s3 ls "s3://$S3_BUCKET" || { tail -5 "$LAB/s3/log"; return 1; }
}

s3_pid() { read_pid "$LAB/s3/pid" 2>/dev/null; }
s3() { s3cmd -q -c "$LAB/s3.cfg" "$@"; }
