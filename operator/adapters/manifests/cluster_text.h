#pragma once

#include <string>

#include "operator/base/result.h"
#include "reconcilers/cluster/cluster_config.h"
#include "reconcilers/cluster/cluster_state.h"

namespace etcdrestore {

/// cluster.yml's text in rke's dialect, then ParseClusterConfig. `file` names it in messages. What
/// the YAML loader warns of stands first in the config's warnings. Errors: ClusterConfigInvalid,
/// ClusterConfigUnsupported (terminal).
Result<ClusterConfig> ParseClusterConfigText(const std::string& text, const std::string& file);

/// YAML text that rke reads as `config.raw`; the same bytes for the same input. Holds what
/// cluster.yml holds, inline keys and registry passwords included.
std::string RenderClusterConfigText(const ClusterConfig& config);

/// ParseClusterState with the YAML loader.
Result<ClusterState> ParseClusterStateText(const std::string& text);

}  // namespace etcdrestore
