#!/usr/bin/env python3
"""make_large_snapshot.py FILE [MEGABYTES]: a snapshot of a real etcd full of Kubernetes-like keys.

For snapshot_bench. Values are 1 to 8 KiB and random, each tenth key is written twice, each
fiftieth is deleted.
"""

import contextlib
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "unit/snapshot/testdata"))
import make_fixtures  # noqa: E402  (the path above has to be there first)


def operations(total):
    source = random.Random(1)
    written = 0
    number = 0
    while written < total:
        key = make_fixtures.b64(f"/registry/pods/namespace-{number % 97}/pod-{number:07}")
        times = 2 if number % 10 == 0 else 1
        for _ in range(times):
            value = source.randbytes(source.randint(1024, 8192))
            written += len(value)
            yield {"requestPut": {"key": key, "value": make_fixtures.b64(value)}}, key
        if number % 50 == 0:
            yield {"requestDeleteRange": {"key": key}}, key
        number += 1


def main():
    target = pathlib.Path(sys.argv[1])
    total = (int(sys.argv[2]) if len(sys.argv) > 2 else 900) << 20
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, contextlib.ExitStack() as stack:
        etcd = make_fixtures.Etcd(stack, pathlib.Path(folder) / "data")
        batch, keys = [], set()
        for operation, key in operations(total):
            # One transaction may write a key once, and holds 128 operations at most.
            if key in keys or len(batch) == 128:
                etcd.call("/v3/kv/txn", {"success": batch})
                batch, keys = [], set()
            batch.append(operation)
            keys.add(key)
        etcd.call("/v3/kv/txn", {"success": batch})
        etcd.save(target)


if __name__ == "__main__":
    main()
