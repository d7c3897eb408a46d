#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/call.h"
#include "operator/base/result.h"

namespace etcdrestore {

/// What a snapshot file holds, read natively from bbolt pages and the MVCC key space; nothing is
/// executed.
struct SnapshotFacts {
  std::string sha256;            ///< hex, of the whole .db file: what a node's `sha256sum` prints
  std::uint64_t size_bytes = 0;  ///< of the .db file, trailer included
  std::int64_t revision = 0;     ///< highest main revision in the key bucket, 0 when it is empty
  std::int64_t compact_revision = 0;            ///< finished compaction, 0 when never
  std::int64_t scheduled_compact_revision = 0;  ///< asked for: `--mark-compacted` sets only this
  std::uint64_t consistent_index = 0;           ///< last raft entry applied
  std::uint64_t total_keys = 0;  ///< entries of the key bucket: revisions and tombstones
  /// totalKey and hash as `etcdutl snapshot status` prints them: entries of all buckets, and
  /// CRC-32C over the buckets' names, keys and values.
  std::uint64_t status_total_keys = 0;
  std::uint32_t status_hash = 0;
  std::uint64_t live_keys = 0;  ///< keys that exist at `revision`
  /// "configmaps" -> count (/registry/<x>/); "services/specs", "services/endpoints"; API groups as
  /// "cert-manager.io/certificates". What goes beyond 4096 names is counted as "(others)".
  std::map<std::string, std::uint64_t> live_by_resource;
  std::string kube_root_ca;  ///< PEM from kube-system's ConfigMap kube-root-ca.crt; "" when absent
  bool has_kube_system = false;  ///< the Namespace object kube-system is live
  /// Distinct "k8s:enc:<provider>:v1:<key name>" prefixes of live values, at most 64;
  /// "k8s:enc:unreadable" stands for values that start so and have another form.
  std::vector<std::string> encryption_keys;
  /// kube-apiserver's --etcd-prefix with slashes: found by its kube-system when not the usual one.
  std::string kube_namespaces_prefix = "/registry/";
};

/// Verifies and reads one raw `.db` snapshot made by `etcdctl snapshot save`.
/// Checks, in this order, each with a message a tired person understands: it is not empty, not a
/// zip, not an HTML/XML page (an error document of a web server saved as the snapshot); size % 512
/// == 32; trailing SHA-256 equals that of the rest; both bbolt meta pages (magic, version,
/// checksum; the newer valid one is used); every page reachable once, in range, sane element
/// tables; key bucket present; keys 17 or 18 bytes; values decode as mvccpb.KeyValue. Errors, all
/// terminal: SnapshotEmpty, SnapshotIsZip, SnapshotIsHtml, SnapshotTruncated, SnapshotCorrupt
/// (digest), SnapshotDamaged (structure), SnapshotUnreadable (I/O); and call.Over()'s. Blocks for
/// seconds on gigabytes; stops soon after call.stop. The file must be the caller's own: another
/// process truncating it meanwhile kills this one (see mapped_file.h). Memory: about 80 bytes a
/// live key; the file itself is mapped, not loaded.
Result<SnapshotFacts> ReadSnapshot(const Call& call, const std::string& path);

/// What RKE's .zip holds (entries /backup/<name> and optionally /etc/kubernetes/<name>.rkestate).
struct ZipContents {
  std::string name;                     ///< snapshot name inside: one path component
  std::optional<std::string> rkestate;  ///< text of the state file, when there is one
};
/// True when the file starts like a zip.
bool LooksLikeZip(const std::string& path);
/// Extracts the database entry of `zip_path` to `db_path` (created 0600, fsynced, renamed into
/// place), and returns the rest. Refuses more than 16 entries, a state over 64 MiB, a database over
/// `max_db_bytes`, entries that are neither of the two names; what is refused leaves `db_path` as
/// it was. Errors, all terminal: ZipDamaged, ZipWrongContent, ZipUnreadable (cannot open),
/// SnapshotUnwritable (cannot write `db_path`: disk full, permissions); and call.Over()'s.
Result<ZipContents> UnpackZip(const Call& call, const std::string& zip_path,
                              const std::string& db_path, std::uint64_t max_db_bytes);

}  // namespace etcdrestore
