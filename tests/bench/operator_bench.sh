#!/usr/bin/env bash
# The operator beside the least operator on Go's controller-runtime, against the same real kube-apiserver:
# memory, start, latency, idle load, as ratios of one run. OBJECTS (10000) says how many.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
programs=build/release/bench
mkdir -p "$programs"
cmake --build --preset release -j"$(nproc)" --target etcdrestore operator_bench
go_program=$PWD/$programs/controller-runtime
(cd tests/bench/controller-runtime &&
  CGO_ENABLED=0 go build -trimpath -mod=readonly -buildvcs=false -ldflags "-s -w" -o "$go_program" .)
printf 'controller-runtime %s, %s; load %s\n' \
  "$(cd tests/bench/controller-runtime && go list -mod=readonly -m -f '{{.Version}}' sigs.k8s.io/controller-runtime)" \
  "$(go env GOVERSION)" "$(cut -d' ' -f1 /proc/loadavg)"
exec build/release/tests/bench/operator_bench "$PWD/build/release/operator/etcdrestore" "$go_program" \
  "${OBJECTS:-10000}"
