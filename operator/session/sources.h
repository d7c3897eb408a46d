#pragma once

#include <vector>

#include "crds/values.h"
#include "operator/adapters/sources/nodes_store.h"
#include "operator/session/run_meter.h"
#include "reconcilers/restore/snapshot_choice.h"

namespace etcdrestore {

/// Opens spec.sources with their credentials, in their order. Does not talk to anyone. Errors: the
/// stores', ReferenceNotFound. `meter` is borrowed for as long as the sources live.
Result<std::vector<SnapshotSource>> OpenSources(const Call& call, const Values& values,
                                                const EtcdRestoreSpec& spec, const Clock& clock,
                                                const std::vector<SnapshotNode>& nodes,
                                                RunMeter& meter);

}  // namespace etcdrestore
