#include "reconcilers/restore/snapshot_choice.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "operator/base/files.h"

namespace etcdrestore {
namespace {

struct Candidate {
  SnapshotSource* source = nullptr;
  ObjectInfo object;
  std::string name;
  SystemTime taken_at{};
};

std::string BaseName(const std::string& key) { return key.substr(key.rfind('/') + 1); }

/// "x", "x.zip" and "x.db" name the same snapshot.
std::string Stem(std::string name) {
  for (const std::string_view end : {".zip", ".db"}) {
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  }
  return name;
}

/// rke's recurring snapshots carry their time in the name; anything else has the store's time.
SystemTime TimeOf(const ObjectInfo& object) {
  const std::string name = Stem(BaseName(object.key));
  const auto time = ParseTime(name.substr(0, name.rfind('_')));
  return time.value_or(object.modified);
}

bool Wanted(const SnapshotSpec& spec, const Candidate& candidate) {
  if (!spec.name.empty()) return Stem(candidate.name) == Stem(BaseName(spec.name));
  const std::string& name = candidate.name;
  const bool other = name.empty() || name.ends_with(".rkestate") || name.ends_with(".tar.gz") ||
                     name.ends_with(".part");
  if (other || candidate.object.size == 0) return false;
  return !spec.before || candidate.taken_at <= *spec.before;
}

Status Download(const Call& call, Candidate& candidate, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return Transient("FileUnwritable", "create " + path);
  bool full = false;
  const auto got = candidate.source->store->Get(
      call, candidate.object.key, [&](std::string_view bytes) -> Status {
        full = std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size();
        if (full)
          return Transient("FileUnwritable",
                           "write " + path + ": the operator's own disk may be full");
        return {};
      });
  const bool closed = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  std::fclose(file);
  if (!got) return got.error();
  if (!closed) return Transient("FileUnwritable", "write " + path);
  return {};
}

/// Makes `<folder>/snapshot.db` of one candidate, verified.
Result<SnapshotChoice> Obtain(const Call& call, const SnapshotWish& wish, Candidate& candidate,
                              SystemTime now) {
  const std::string raw = wish.folder + "/snapshot.download";
  const std::string db = wish.folder + "/snapshot.db";
  if (Status got = Download(call, candidate, raw); !got) return got.error();
  SnapshotChoice choice;
  const bool zipped = LooksLikeZip(raw);
  if (zipped) {
    auto contents = UnpackZip(call, raw, db + ".part", wish.max_bytes);
    if (!contents) return contents.error();
    choice.rkestate = std::move(contents->rkestate);
  }
  const std::string unpacked = zipped ? db + ".part" : raw;
  auto facts = ReadSnapshot(call, unpacked);
  if (!facts) return facts.error();
  const std::string wanted = wish.pinned_sha256.empty() ? wish.spec.sha256 : wish.pinned_sha256;
  if (!wanted.empty() && facts->sha256 != wanted) {
    return Terminal("SnapshotDigestDiffers",
                    "has sha256 " + facts->sha256 + ", but " + wanted + " is demanded");
  }
  if (!facts->has_kube_system && wish.spec.name.empty()) {
    return Terminal("SnapshotSuspicious",
                    "holds no namespace kube-system: it may be the snapshot of an empty cluster. "
                    "Name it exactly in spec.snapshot.name if you want it all the same");
  }
  if (std::rename(unpacked.c_str(), db.c_str()) != 0)
    return Transient("FileUnwritable", "rename to " + db);
  if (zipped) std::filesystem::remove(raw);
  choice.snapshot = {Stem(candidate.name), candidate.source->store->Describe(), db,
                     candidate.taken_at, std::move(*facts)};
  choice.delivery.path = db;
  if (!zipped && candidate.source->nodes_can_download) {
    ObjectStore* store = candidate.source->store.get();
    choice.delivery.url = [store, key = candidate.object.key, now] {
      return store->Presign(key, std::chrono::hours(1), now);
    };
  }
  return choice;
}

std::string NamesOf(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 12; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.empty()
             ? "nothing"
             : text + (names.size() > 12 ? fmt::format(" and {} more", names.size() - 12) : "");
}

}  // namespace

Result<SnapshotChoice> ChooseSnapshot(const Call& call, const SnapshotWish& wish,
                                      std::vector<SnapshotSource>& sources, SystemTime now) {
  std::vector<std::string> notes;
  std::vector<std::string> seen_names;
  std::optional<Error> first_error;
  for (SnapshotSource& source : sources) {
    auto objects = source.store->List(call, source.prefix);
    if (!objects) {
      notes.push_back(source.store->Describe() + ": " + objects.error().message);
      if (!first_error) first_error = objects.error();
      continue;
    }
    std::vector<Candidate> candidates;
    for (const ObjectInfo& object : *objects) {
      Candidate candidate{&source, object, BaseName(object.key), TimeOf(object)};
      seen_names.push_back(candidate.name);
      if (Wanted(wish.spec, candidate)) candidates.push_back(std::move(candidate));
    }
    std::stable_sort(
        candidates.begin(), candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.taken_at > b.taken_at; });
    for (Candidate& candidate : candidates) {
      auto choice = Obtain(call, wish, candidate, now);
      if (choice) {
        choice->notes = notes;
        return choice;
      }
      const Error error =
          choice.error().In("snapshot " + candidate.name + " from " + source.store->Describe());
      if (!first_error) first_error = error;
      notes.push_back(error.message);
      const bool first_decides =
          wish.spec.latest == LatestPolicy::kAny && wish.pinned_sha256.empty();
      if (first_decides || call.Over()) return error;
    }
  }
  if (first_error) return *first_error;
  const std::string what =
      wish.spec.name.empty() ? "no snapshot" : "no snapshot called " + wish.spec.name;
  return Terminal("SnapshotNotFound",
                  what + " was found in any source; there is " + NamesOf(seen_names));
}

}  // namespace etcdrestore
