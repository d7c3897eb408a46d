#pragma once

#include <string>
#include <vector>

#include "reconcilers/restore/target.h"

namespace etcdrestore {

/// Kept data that may go: that of a run which ended well at least as long ago as that run promised
/// to keep it, and as clean.keepOldDataFor now says (the run's own may be changed afterwards).
struct OldDataDue {
  std::string run;   ///< the finished run: its copies of certificates and its snapshot go too
  std::string kept;  ///< the run that moved the data aside; another one where data was adopted
};

/// What is due on one node, by its own clock. Nothing unless this run is the node's newest and has
/// ended well: else what earlier ones kept may still be the way back. Pure.
std::vector<OldDataDue> OldDataToPurge(const Target& target, const NodeFacts& facts);

/// spec.clean.keepOldDataFor in seconds.
double KeepFor(const Target& target);

/// True when data lies at this path, which a receipt of this node names.
bool IsKept(const Target& target, const NodeFacts& facts, const std::string& path);

/// True when every node was seen, every etcd node has the data that it had before this run, and
/// that data is no unfinished run's: what runs on it may be started as it was. Pure.
bool NothingWasMoved(const Target& target, const Observation& seen);

}  // namespace etcdrestore
