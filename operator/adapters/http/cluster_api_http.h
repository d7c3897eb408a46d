#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/ports/cluster_api.h"

namespace etcdrestore {

/// Reads YAML text into JSON; passed in, since this folder reads none.
using KubeconfigReader = std::function<Result<nlohmann::ordered_json>(const std::string& path)>;

/// ClusterApi with the server, CA and client certificate of a kubeconfig file as rke writes it.
/// Errors: KubeconfigInvalid (terminal), the HTTP client's, ApiRefused (terminal for 401 and 403,
/// else transient).
std::unique_ptr<ClusterApi> MakeClusterApi(KubeconfigReader read);

}  // namespace etcdrestore
