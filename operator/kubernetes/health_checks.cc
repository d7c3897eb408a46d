#include "operator/kubernetes/health_checks.h"

#include <algorithm>
#include <map>

namespace etcdrestore {
namespace {

HttpAnswer Words(bool well, const std::string& words) {
  return {well ? 200 : 500, "text/plain", words};
}

/// name=value, or name alone; a name may come more than once.
std::multimap<std::string_view, std::string_view> Arguments(std::string_view query) {
  std::multimap<std::string_view, std::string_view> found;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    found.emplace(one.substr(0, equals), one.substr(std::min(equals + 1, one.size())));
  }
  return found;
}

HttpAnswer All(std::string_view probe, const std::vector<HealthCheck>& checks,
               std::string_view query) {
  const auto arguments = Arguments(query);
  const auto [first, last] = arguments.equal_range("exclude");
  std::string lines;
  bool well = true;
  for (const HealthCheck& check : checks) {
    const bool left_out =
        std::any_of(first, last, [&](const auto& one) { return one.second == check.name; });
    const std::string fault = left_out ? "" : check.fault();
    well = well && fault.empty();
    lines += fault.empty() ? "[+]" + check.name + (left_out ? " excluded: ok\n" : " ok\n")
                           : "[-]" + check.name + " failed: " + fault + "\n";
  }
  if (well && !arguments.contains("verbose")) return Words(true, "ok");
  return Words(
      well, lines + std::string(probe.substr(1)) + (well ? " check passed\n" : " check failed\n"));
}

}  // namespace

std::optional<HttpAnswer> AnswerProbe(std::string_view probe,
                                      const std::vector<HealthCheck>& checks,
                                      const HttpQuestion& question) {
  std::string_view name = question.path;
  if (!name.starts_with(probe)) return std::nullopt;
  name.remove_prefix(probe.size());
  if (name.empty() || name == "/") return All(probe, checks, question.query);
  const auto check = std::find_if(checks.begin(), checks.end(),
                                  [&](const HealthCheck& one) { return name == "/" + one.name; });
  if (check == checks.end()) return std::nullopt;
  const std::string fault = check->fault();
  return Words(fault.empty(), fault.empty() ? "ok" : fault + "\n");
}

}  // namespace etcdrestore
