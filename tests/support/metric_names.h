#pragma once

#include <regex>
#include <set>
#include <string>

namespace etcdrestore::testing {

/// Every name in a text that can only be the name of a metric.
inline std::set<std::string> MetricsNamedIn(const std::string& text) {
  static const std::regex name(
      R"(\b(etcdrestore|controller_runtime|workqueue|rest_client|leader_election|certwatcher|process)_[a-z0-9_]+\b)");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
    names.insert(at->str());
  return names;
}

}  // namespace etcdrestore::testing
