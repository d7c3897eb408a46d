#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/adapters/metrics/http_server.h"

namespace etcdrestore {

/// One thing that a probe looks at.
struct HealthCheck {
  std::string name;
  std::function<std::string()> fault;  ///< what is wrong, "" for nothing; called by each probe
};

/// Answers a probe as controller-runtime does. `probe` is /healthz or /readyz: all checks together,
/// "ok" and 200, or 500 with a line for each; `?verbose` gives the lines in any case,
/// `?exclude=NAME` passes one over. PROBE/NAME asks one check alone. nullopt for another path or an
/// unknown name.
std::optional<HttpAnswer> AnswerProbe(std::string_view probe,
                                      const std::vector<HealthCheck>& checks,
                                      const HttpQuestion& question);

}  // namespace etcdrestore
