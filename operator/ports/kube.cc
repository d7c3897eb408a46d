#include "operator/ports/kube.h"

#include <utility>

namespace etcdrestore {
namespace {

/// nullptr for none.
const KubeObject* Member(const KubeObject& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string TextField(const KubeObject& object, const char* name) {
  const KubeObject* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

int IntField(const KubeObject& object, const char* name) {
  const auto held = [](auto value) {
    return std::in_range<int>(value) ? static_cast<int>(value) : 0;
  };
  const KubeObject* member = Member(object, name);
  if (member == nullptr) return 0;
  if (member->is_number_unsigned()) return held(member->get<std::uint64_t>());
  return member->is_number_integer() ? held(member->get<std::int64_t>()) : 0;
}

KubeObject ObjectField(const KubeObject& object, const char* name) {
  const KubeObject* member = Member(object, name);
  return member != nullptr && member->is_object() ? *member : KubeObject::object();
}

}  // namespace etcdrestore
