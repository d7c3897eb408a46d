#include "operator/ports/kube.h"

namespace etcdrestore {

std::string TextField(const KubeObject& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace etcdrestore
