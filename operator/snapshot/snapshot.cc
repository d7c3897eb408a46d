#include "operator/snapshot/snapshot.h"

#include "operator/snapshot/bolt.h"
#include "operator/snapshot/bolt_page.h"
#include "operator/snapshot/crc32c.h"
#include "operator/snapshot/kubernetes.h"
#include "operator/snapshot/mapped_file.h"
#include "operator/snapshot/mvcc.h"
#include "operator/snapshot/trailer.h"

namespace etcdrestore {
namespace {

/// Takes the entries of all buckets as they come and keeps what the facts need.
class Collector {
 public:
  explicit Collector(SnapshotFacts& facts) : facts_(facts) {}

  Status Bucket(std::string_view name) {
    facts_.status_hash = Crc32c(facts_.status_hash, name);
    in_keys_ = name == "key";
    in_meta_ = name == "meta";
    has_keys_ = has_keys_ || in_keys_;
    return {};
  }

  Status Entry(std::string_view key, std::string_view value) {
    facts_.status_hash = Crc32c(Crc32c(facts_.status_hash, key), value);
    ++facts_.status_total_keys;
    if (in_keys_) return keys_.Add(key, value);
    return in_meta_ ? Meta(key, value) : Status();
  }

  Status Finish() {
    if (!has_keys_) return BoltDamaged("it is a database, but has no etcd key space");
    facts_.revision = keys_.revision();
    facts_.total_keys = keys_.entries();
    facts_.live_keys = keys_.live().size();
    DescribeKubernetes(keys_.live(), facts_);
    return {};
  }

 private:
  Status Meta(std::string_view key, std::string_view value) {
    if (key == "consistent_index" && value.size() == 8) {
      facts_.consistent_index = 0;
      for (const char c : value)
        facts_.consistent_index = facts_.consistent_index << 8U | static_cast<unsigned char>(c);
    }
    const bool finished = key == "finishedCompactRev";
    if (!finished && key != "scheduledCompactRev") return {};
    const auto revision = MainRevision(value);
    if (!revision) return revision.error();
    (finished ? facts_.compact_revision : facts_.scheduled_compact_revision) = *revision;
    return {};
  }

  SnapshotFacts& facts_;
  KeySpace keys_;
  bool in_keys_ = false;
  bool in_meta_ = false;
  bool has_keys_ = false;
};

Status ReadDatabase(const Call& call, std::string_view database, SnapshotFacts& facts) {
  const auto meta = ReadBoltMeta(database);
  if (!meta) return meta.error();
  Collector collector(facts);
  const BoltVisitor visitor{
      .bucket = [&](std::string_view name) { return collector.Bucket(name); },
      .entry = [&](std::string_view key,
                   std::string_view value) { return collector.Entry(key, value); }};
  auto walked = WalkBolt(call, database, *meta, visitor);
  if (!walked) return walked;
  return collector.Finish();
}

}  // namespace

Result<SnapshotFacts> ReadSnapshot(const Call& call, const std::string& path) {
  const auto file = MappedFile::Open(path);
  if (!file) return file.error();
  const auto looks = CheckLooks(*file);
  if (!looks) return looks.error();
  SnapshotFacts facts;
  facts.size_bytes = file->size();
  // Everything is read here once before the mapping is: an unreadable disk is an error, not a
  // signal.
  auto digest = CheckDigest(call, *file);
  if (!digest) return digest.error();
  facts.sha256 = *std::move(digest);
  auto unchanged = file->CheckUnchanged();
  if (!unchanged) return unchanged.error();
  const auto database = file->bytes().substr(0, file->bytes().size() - kTrailer);
  const auto read = ReadDatabase(call, database, facts);
  if (!read) return read.error().In("read the database in " + path);
  unchanged = file->CheckUnchanged();
  if (!unchanged) return unchanged.error();
  return facts;
}

}  // namespace etcdrestore
