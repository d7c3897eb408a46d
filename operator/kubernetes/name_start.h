#pragma once

#include <string>

namespace etcdrestore {

/// Of a name, what leaves room for an ending that begins with '.' or '-'. Never ends with one of
/// them: the API server takes no such name. Pure.
inline std::string NameStart(const std::string& name) {
  std::string start = name.substr(0, 200);
  while (start.ends_with('.') || start.ends_with('-')) start.pop_back();
  return start;
}

}  // namespace etcdrestore
