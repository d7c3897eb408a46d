#!/usr/bin/env python3
"""Makes the golden snapshots of this folder with real programs.

  make_fixtures.py            needs etcd 3.5.35 and Kubernetes 1.32.2 in
                              ${ETCDRESTORE_CACHE:-~/.cache/etcdrestore}/bin (tests/lab/lab build)

Each NAME.zip has the form of RKE's zips (entry /backup/NAME, data descriptors as Go writes them);
NAME.json is what the real tools say about the same file. Run by hand, never by the tests: sizes and
hashes change with each run, so commit both files together.
"""

import base64
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

CACHE = pathlib.Path(os.environ.get("ETCDRESTORE_CACHE", pathlib.Path.home() / ".cache/etcdrestore"))
ETCD = CACHE / "bin/etcd-3.5.35"
KUBE = CACHE / "bin/kubernetes-1.32.2"
HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*args, **kwargs):
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, **kwargs).stdout


def wait_until(what, check):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if check():
                return
        time.sleep(0.1)
    sys.exit(f"gave up waiting for {what}")


@contextlib.contextmanager
def program(log, *args):
    with open(log, "wb") as out:
        child = subprocess.Popen([str(a) for a in args], stdout=out, stderr=out)
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


class Etcd:
    """A running one-member etcd; talks JSON to its gRPC gateway."""

    def __init__(self, stack, data):
        self.url = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        stack.enter_context(program(f"{data}.log", ETCD / "etcd", "--data-dir", data,
                                    "--listen-client-urls", self.url,
                                    "--advertise-client-urls", self.url,
                                    "--listen-peer-urls", peer,
                                    "--initial-advertise-peer-urls", peer,
                                    "--initial-cluster", f"default={peer}",
                                    "--quota-backend-bytes", 8 << 30))
        wait_until("etcd", lambda: urllib.request.urlopen(self.url + "/health", timeout=1))

    def call(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        return json.load(urllib.request.urlopen(request, timeout=60))

    def put(self, key, value, **more):
        return self.call("/v3/kv/put", {"key": b64(key), "value": b64(value), **more})

    def delete(self, key):
        return self.call("/v3/kv/deleterange", {"key": b64(key)})

    def compact(self, revision):
        self.call("/v3/kv/compaction", {"revision": revision, "physical": True})

    def keys(self):
        got = self.call("/v3/kv/range", {"key": b64(b"\0"), "range_end": b64(b"\0"),
                                         "keys_only": True})
        return [base64.b64decode(kv["key"]).decode() for kv in got.get("kvs", [])]

    def save(self, path):
        run(ETCD / "etcdctl", "--endpoints", self.url, "snapshot", "save", path)


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def resource(key):
    parts = key.removeprefix("/registry/").split("/")
    two = (parts[0] == "services" or "." in parts[0]) and len(parts) > 1
    return "/".join(parts[:2]) if two else parts[0]


class Unseekable:
    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def publish(name, etcd, folder, **expected):
    """Saves a snapshot and writes NAME.zip and NAME.json."""
    path = folder / name
    keys = etcd.keys()
    etcd.save(path)
    data = path.read_bytes()
    status = json.loads(run(ETCD / "etcdutl", "snapshot", "status", "-w", "json", path))
    counts = collections.Counter(resource(k) for k in keys if k.startswith("/registry/"))
    facts = {"status": status, "sha256": hashlib.sha256(data).hexdigest(), "sizeBytes": len(data),
             "liveKeys": len(keys), "liveByResource": dict(sorted(counts.items())), **expected}
    with open(HERE / f"{name}.zip", "wb") as out, \
            zipfile.ZipFile(Unseekable(out), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo(f"/backup/{name}", (1980, 1, 1, 0, 0, 0)), data,
                         zipfile.ZIP_DEFLATED, 9)
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    print(name, len(data), (HERE / f"{name}.zip").stat().st_size, status)
    return path


def make_empty(folder):
    with contextlib.ExitStack() as stack:
        publish("empty", Etcd(stack, folder / "empty-data"), folder)


def make_history(folder):
    """Branch pages, overflow pages, tombstones, a compaction, leases, a bucket of auth users."""
    with contextlib.ExitStack() as stack:
        etcd = Etcd(stack, folder / "history-data")
        lease = etcd.call("/v3/lease/grant", {"TTL": 86400})["ID"]
        for i in range(1500):
            etcd.put(f"/registry/pods/default/p{i:05}", f"pod {i} " * 20)
        etcd.put("/registry/events/default/e1", "x", lease=lease)
        etcd.put("/registry/services/specs/default/kubernetes", "s")
        etcd.put("/registry/services/endpoints/default/kubernetes", "e")
        etcd.put("/registry/cert-manager.io/certificates/default/c", "{}")
        etcd.put("/registry/configmaps/default/large", "large " * 200000)
        etcd.put("/registry/configmaps/kube-system/kube-root-ca.crt", json.dumps(
            {"kind": "ConfigMap", "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\njson\n"}}))
        for i in range(0, 1500, 3):
            etcd.delete(f"/registry/pods/default/p{i:05}")
        compacted = int(etcd.put("/other/key", "v")["header"]["revision"])
        etcd.compact(compacted)
        for i in range(0, 60, 3):
            etcd.put(f"/registry/pods/default/p{i:05}", "back again")
        for i in range(1, 60, 3):
            etcd.delete(f"/registry/pods/default/p{i:05}")
        etcd.call("/v3/auth/user/add", {"name": "root", "password": "", "options":
                                        {"no_password": True}})
        time.sleep(1)  # the compaction is finished in the background
        path = publish("history", etcd, folder, compactRevision=compacted,
                       rootCa="-----BEGIN CERTIFICATE-----\njson\n")
    return path


def make_bumped(folder, snapshot):
    """What a restore with --bump-revision and --mark-compacted leaves in the next snapshot."""
    peer = "http://127.0.0.1:1"
    data = folder / "bumped-data"
    run(ETCD / "etcdutl", "snapshot", "restore", snapshot, "--data-dir", data, "--bump-revision",
        1000000000, "--mark-compacted", "--initial-cluster", f"default={peer}",
        "--initial-advertise-peer-urls", peer)
    with contextlib.ExitStack() as stack:
        etcd = Etcd(stack, data)
        etcd.put("/registry/pods/default/after", "after")
        publish("bumped", etcd, folder)


def make_kube(folder):
    """A real API server's key space with Secrets encrypted at rest and a published root CA."""
    config = folder / "encryption.json"
    config.write_text(json.dumps({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [
            {"aescbc": {"keys": [{"name": "key1", "secret": b64(b"0123456789abcdef")}]}},
            {"identity": {}}]}]}))
    tokens = folder / "tokens.csv"
    tokens.write_text("t0ken,admin,admin,system:masters\n")
    run("openssl", "genrsa", "-out", folder / "sa.key", "2048")
    ca = folder / "ca.crt"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", folder / "ca.key", "-out", ca, "-days", 3650, "-subj", "/CN=kube-ca")
    port = free_port()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}",
                                               "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
    kubectl = (KUBE / "kubectl", "--kubeconfig", kubeconfig)
    with contextlib.ExitStack() as stack:
        etcd = Etcd(stack, folder / "kube-data")
        with contextlib.ExitStack() as servers:
            servers.enter_context(program(
                folder / "apiserver.log", KUBE / "kube-apiserver", "--etcd-servers", etcd.url,
                "--cert-dir", folder / "apiserver", "--secure-port", port,
                "--bind-address", "127.0.0.1",
                "--service-account-key-file", folder / "sa.key",
                "--service-account-signing-key-file", folder / "sa.key",
                "--service-account-issuer", "https://kubernetes.default.svc",
                "--token-auth-file", tokens, "--authorization-mode", "RBAC",
                "--service-cluster-ip-range", "10.0.0.0/24",
                "--encryption-provider-config", config,
                "--disable-admission-plugins", "ServiceAccount"))
            wait_until("kube-apiserver", lambda: run(*kubectl, "get", "--raw", "/readyz"))
            servers.enter_context(program(
                folder / "controllers.log", KUBE / "kube-controller-manager",
                "--kubeconfig", kubeconfig, "--root-ca-file", ca, "--leader-elect=false",
                "--service-account-private-key-file", folder / "sa.key", "--secure-port", 0,
                "--controllers", "root-ca-certificate-publisher-controller"))
            wait_until("kube-root-ca.crt", lambda: run(
                *kubectl, "-n", "kube-system", "get", "configmap", "kube-root-ca.crt"))
            run(*kubectl, "-n", "kube-system", "create", "secret", "generic", "one",
                "--from-literal=a=b")
        publish("kube", etcd, folder, rootCa=ca.read_text(),
                encryptionKeys=["k8s:enc:aescbc:v1:key1"])


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make_empty(folder)
        make_bumped(folder, make_history(folder))
        make_kube(folder)


if __name__ == "__main__":
    main()
