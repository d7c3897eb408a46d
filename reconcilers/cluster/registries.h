#pragma once

#include <optional>
#include <string>

#include "operator/base/secret.h"
#include "reconcilers/cluster/cluster_config.h"

namespace etcdrestore {

/// The registry that an image's name names: "reg.example.com:5000", "docker.io" where it names
/// none.
std::string RegistryOf(const std::string& image);

/// What docker needs in its config.json to pull `image` with the private_registries of cluster.yml;
/// nullopt when none of them is the image's registry. Pure.
std::optional<Secret> DockerLogin(const ClusterConfig& config, const std::string& image);

}  // namespace etcdrestore
