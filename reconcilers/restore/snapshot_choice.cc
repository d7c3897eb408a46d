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

/// By name and size; bundles and state files lie in the same places.
bool MayBeSnapshot(const Candidate& candidate) {
  const std::string& name = candidate.name;
  const bool other = name.empty() || name.ends_with(".rkestate") || name.ends_with(".tar.gz") ||
                     name.ends_with(".part");
  return !other && candidate.object.size > 0;
}

bool Wanted(const SnapshotSpec& spec, const Candidate& candidate) {
  if (!spec.name.empty()) return Stem(candidate.name) == Stem(BaseName(spec.name));
  return MayBeSnapshot(candidate) && (!spec.before || candidate.taken_at <= *spec.before);
}

Status Download(const Call& call, const BytesMoved& moved, Candidate& candidate,
                const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return Transient("FileUnwritable", "create " + path);
  bool full = false;
  std::uint64_t done = 0;
  const auto got = candidate.source->store->Get(
      call, candidate.object.key, [&](std::string_view bytes) -> Status {
        full = std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size();
        if (full)
          return Transient("FileUnwritable",
                           "write " + path + ": the operator's own disk may be full");
        done += bytes.size();
        if (moved) moved("downloading snapshot " + candidate.name, done, candidate.object.size);
        return {};
      });
  const bool closed = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  std::fclose(file);
  if (!got) return got.error();
  if (!closed) return Transient("FileUnwritable", "write " + path);
  return {};
}

/// A candidate on the operator's disk, verified.
struct Fetched {
  std::string path;
  bool zipped = false;
  std::optional<std::string> rkestate;  ///< secret text
  SnapshotFacts facts;
};

Error Damaged(const Candidate& candidate, const Error& error) {
  if (error.kind == ErrorKind::kTerminal && candidate.source->on_damaged)
    candidate.source->on_damaged();
  return error;
}

/// Makes `<path>.raw` or `<path>.unpacked` of one candidate.
Result<Fetched> Fetch(const Call& call, const SnapshotWish& wish, Candidate& candidate,
                      const std::string& path) {
  Fetched fetched;
  fetched.path = path + ".raw";
  if (Status got = Download(call, wish.moved, candidate, fetched.path); !got) return got.error();
  fetched.zipped = LooksLikeZip(fetched.path);
  if (fetched.zipped) {
    auto contents = UnpackZip(call, fetched.path, path + ".unpacked", wish.max_bytes);
    std::error_code left;
    std::filesystem::remove(fetched.path, left);
    if (!contents) return Damaged(candidate, contents.error());
    fetched.rkestate = std::move(contents->rkestate);
    fetched.path = path + ".unpacked";
  }
  auto facts = ReadSnapshot(call, fetched.path);
  if (!facts) return Damaged(candidate, facts.error());
  fetched.facts = std::move(*facts);
  return fetched;
}

Error Suspicious(const std::string& why) {
  return Terminal("SnapshotSuspicious",
                  why +
                      ": it may be the snapshot of an empty cluster. Name it exactly in "
                      "spec.snapshot.name if you want it all the same");
}

Status Demanded(const SnapshotWish& wish, const SnapshotFacts& facts) {
  const std::string& wanted = wish.pinned_sha256.empty() ? wish.spec.sha256 : wish.pinned_sha256;
  if (wanted.empty() || facts.sha256 == wanted) return {};
  return Terminal("SnapshotDigestDiffers",
                  "has sha256 " + facts.sha256 + ", but " + wanted + " is demanded");
}

/// The candidates of one source, newest first, each fetched at most once.
class Shelf {
 public:
  Shelf(const Call& call, const SnapshotWish& wish, std::vector<Candidate> candidates)
      : call_(call), wish_(wish), candidates_(std::move(candidates)) {
    fetched_.resize(candidates_.size());
  }
  ~Shelf() {
    for (std::size_t at = 0; at < candidates_.size(); ++at) Drop(at);
  }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  [[nodiscard]] std::size_t size() const { return candidates_.size(); }
  [[nodiscard]] const Candidate& Of(std::size_t at) const { return candidates_[at]; }

  /// The candidate, verified and not suspicious.
  Result<Fetched> Take(std::size_t at) {
    const Result<Fetched>& fetched = Get(at);
    if (!fetched) return fetched.error();
    if (Status demanded = Demanded(wish_, fetched->facts); !demanded) return demanded.error();
    if (!wish_.spec.name.empty() || !wish_.pinned_sha256.empty()) return *fetched;
    if (!fetched->facts.has_kube_system) return Suspicious("holds no namespace kube-system");
    int tries = 0;
    for (std::size_t older = at + 1; older < size() && tries < kCompared; ++older) {
      // Copies of one snapshot on several nodes are none of them older.
      const bool same =
          Stem(Of(older).name) == Stem(Of(at).name) || Of(older).taken_at == Of(at).taken_at;
      if (same) continue;
      ++tries;
      const Result<Fetched>& other = Get(older);
      if (const auto over = call_.Over()) return *over;
      if (!other) continue;
      if (Status whole = LooksWhole(fetched->facts, other->facts, Of(older).name); !whole)
        return whole.error();
      break;
    }
    return *fetched;
  }
  void Drop(std::size_t at) {
    if (!fetched_[at]) return;
    std::error_code ignored;
    for (const char* end : {".raw", ".unpacked"})
      std::filesystem::remove(PathOf(at) + end, ignored);
  }

 private:
  static constexpr int kCompared = 3;

  [[nodiscard]] std::string PathOf(std::size_t at) const {
    return wish_.folder + "/candidate-" + std::to_string(at);
  }
  const Result<Fetched>& Get(std::size_t at) {
    if (!fetched_[at]) fetched_[at] = Fetch(call_, wish_, candidates_[at], PathOf(at));
    return *fetched_[at];
  }

  const Call& call_;
  const SnapshotWish& wish_;
  std::vector<Candidate> candidates_;
  std::vector<std::optional<Result<Fetched>>> fetched_;
};

/// Makes `<folder>/snapshot.db` of what was taken.
Result<SnapshotChoice> Keep(const SnapshotWish& wish, const Candidate& candidate, Fetched fetched,
                            SystemTime now) {
  const std::string db = wish.folder + "/snapshot.db";
  if (std::rename(fetched.path.c_str(), db.c_str()) != 0)
    return Transient("FileUnwritable", "rename to " + db);
  SnapshotChoice choice;
  choice.rkestate = std::move(fetched.rkestate);
  choice.snapshot = {Stem(candidate.name), candidate.source->store->Describe(), db,
                     candidate.taken_at, std::move(fetched.facts)};
  choice.delivery.path = db;
  if (!fetched.zipped && candidate.source->nodes_can_download) {
    ObjectStore* store = candidate.source->store.get();
    choice.delivery.url = [store, key = candidate.object.key, now] {
      return store->Presign(key, std::chrono::hours(1), now);
    };
  }
  return choice;
}

/// "s3 bucket backups holds 40, the newest a (2 h ago), b (1 d 2 h ago), c (2 d ago)".
std::string Holding(const SnapshotSource& source, std::vector<Candidate> all, SystemTime now) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.taken_at > b.taken_at; });
  if (all.empty()) return source.store->Describe() + " holds nothing";
  std::string text = fmt::format("{} holds {}, the newest", source.store->Describe(), all.size());
  for (std::size_t i = 0; i < all.size() && i < 3; ++i) {
    const Duration age = now - all[i].taken_at;
    text += fmt::format(
        "{} {} ({})", i == 0 ? "" : ",", all[i].name,
        age < Duration(0) ? "later than this machine's clock" : HumanDuration(age) + " ago");
  }
  return text;
}

}  // namespace

Status LooksWhole(const SnapshotFacts& facts, const SnapshotFacts& older, const std::string& name) {
  if (facts.revision < older.revision) {
    return Suspicious(fmt::format("is at revision {}, lower than {} of the older snapshot {}",
                                  facts.revision, older.revision, name));
  }
  if (facts.live_keys * 2 < older.live_keys) {
    return Suspicious(fmt::format("holds {} keys, under half of the {} of the older snapshot {}",
                                  facts.live_keys, older.live_keys, name));
  }
  return {};
}

Result<SnapshotChoice> ChooseSnapshot(const Call& call, const SnapshotWish& wish,
                                      std::vector<SnapshotSource>& sources, SystemTime now) {
  std::vector<std::string> notes;
  std::string holdings;
  std::optional<Error> first_error;
  const auto note = [&](Error error) {
    notes.push_back(error.message);
    if (!first_error) first_error = std::move(error);
  };
  for (SnapshotSource& source : sources) {
    auto objects = source.store->List(call, source.prefix);
    if (!objects) {
      note(objects.error().In(source.store->Describe()));
      holdings += "; " + source.store->Describe() + " did not tell";
      continue;
    }
    std::vector<Candidate> all;
    std::vector<Candidate> wanted;
    for (const ObjectInfo& object : *objects) {
      const Candidate candidate{&source, object, BaseName(object.key), TimeOf(object)};
      if (Wanted(wish.spec, candidate)) wanted.push_back(candidate);
      if (MayBeSnapshot(candidate)) all.push_back(candidate);
    }
    holdings += "; " + Holding(source, std::move(all), now);
    std::stable_sort(wanted.begin(), wanted.end(), [](const Candidate& a, const Candidate& b) {
      return a.taken_at > b.taken_at;
    });
    Shelf shelf(call, wish, std::move(wanted));
    for (std::size_t at = 0; at < shelf.size(); ++at) {
      auto taken = shelf.Take(at);
      if (taken) {
        auto choice = Keep(wish, shelf.Of(at), std::move(*taken), now);
        if (choice) choice->notes = std::move(notes);
        return choice;
      }
      shelf.Drop(at);
      const Error error =
          taken.error().In("snapshot " + shelf.Of(at).name + " from " + source.store->Describe());
      note(error);
      const bool first_decides =
          wish.spec.latest == LatestPolicy::kAny && wish.pinned_sha256.empty();
      if (first_decides || call.Over()) return error;
    }
  }
  if (!first_error) {
    const std::string what =
        wish.spec.name.empty() ? "no snapshot" : "no snapshot called " + wish.spec.name;
    return Terminal("SnapshotNotFound", what + " was found in any source" + holdings);
  }
  for (std::size_t i = 1; i < notes.size() && i < 4; ++i) first_error->message += "; " + notes[i];
  first_error->message += ". What there is" + holdings;
  return *first_error;
}

}  // namespace etcdrestore
