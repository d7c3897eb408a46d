#pragma once

#include <optional>
#include <vector>

#include "reconcilers/restore/report.h"

namespace etcdrestore {

/// What an earlier process of this run wrote into its status: hints for people and for the case
/// that nodes are silent. Where a node shows something else, the node is right. Pure; statuses of
/// another runID, and fields of a wrong shape, tell nothing.
std::optional<SystemTime> EarlierTime(const Target& target, const char* field);
/// Phases that were finished. One that was under way begins again, with a deadline of its own.
std::vector<PhaseSpan> EarlierTimeline(const Target& target);
/// null when there is none
const nlohmann::ordered_json* EarlierPlan(const Target& target);
const nlohmann::ordered_json* EarlierCondition(const Target& target, std::string_view type);

}  // namespace etcdrestore
