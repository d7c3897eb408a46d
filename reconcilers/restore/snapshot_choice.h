#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/ports/object_store.h"
#include "reconcilers/restore/executor.h"
#include "reconcilers/restore/target.h"

namespace etcdrestore {

/// One place where snapshots may lie, opened.
struct SnapshotSource {
  std::unique_ptr<ObjectStore> store;
  std::string prefix;               ///< keys start with it; names are looked for behind it
  bool nodes_can_download = false;  ///< Presign gives a URL worth trying on the nodes
  std::function<void()> on_damaged =
      {};  ///< hears of each snapshot that is not whole; may be empty
};

/// What was chosen, and what else was seen on the way.
struct SnapshotChoice {
  ChosenSnapshot snapshot;
  SnapshotDelivery delivery;
  std::optional<std::string> rkestate;  ///< from the zip; secret text
  std::vector<std::string> notes;       ///< candidates passed over and why, for people
};

struct SnapshotWish {
  SnapshotSpec spec;
  std::string pinned_sha256;  ///< from an earlier pass of the same run; wins over everything
  std::string folder;         ///< where the file is kept; exists
  std::uint64_t max_bytes = 16ULL << 30U;
  BytesMoved moved;  ///< of downloads; may be empty
};

/// Finds candidates in the sources, in their order; downloads, unpacks, verifies natively; keeps
/// the first that passes under `<folder>/snapshot.db`. With `latest: Any` the first candidate
/// decides; else what does not verify is passed over.
/// What was not named exactly is not taken when it is suspicious, as a snapshot of an empty cluster
/// is: without kube-system, or at a lower revision or with under half the keys of the next older
/// one of the same source that verifies. At most three older ones are fetched to compare with.
/// Errors: SnapshotNotFound, telling what each source holds; SnapshotSuspicious, the reader's and
/// the store's, each naming the source.
Result<SnapshotChoice> ChooseSnapshot(const Call& call, const SnapshotWish& wish,
                                      std::vector<SnapshotSource>& sources, SystemTime now);

/// Whether a snapshot that nobody named may be taken beside an older one that verifies. Pure. Error
/// SnapshotSuspicious.
Status LooksWhole(const SnapshotFacts& facts, const SnapshotFacts& older,
                  const std::string& older_name);

}  // namespace etcdrestore
