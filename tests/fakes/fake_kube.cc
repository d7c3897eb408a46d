#include "tests/fakes/fake_kube.h"

namespace etcdrestore::fakes {
namespace {

Error NotFound(const KubeName& name) { return Terminal("NotFound", name.Key() + " not found"); }

void Merge(KubeObject& into, const KubeObject& patch) {
  for (const auto& [key, value] : patch.items()) {
    if (value.is_object()) {
      if (!into[key].is_object()) into[key] = KubeObject::object();
      Merge(into[key], value);
    } else {
      into[key] = value;
    }
  }
}

}  // namespace

std::optional<Error> FakeKube::Refused(const std::string& verb, const KubeType& type,
                                       const KubeName& name) {
  return refuse(verb, type, name);
}

KubeObject& FakeKube::Store(const KubeType& type, const KubeName& name, KubeObject object) {
  ++version_;
  if (!object["metadata"].contains("uid"))
    object["metadata"]["uid"] = "uid-" + std::to_string(version_);
  object["metadata"]["namespace"] = name.name_space;
  object["metadata"]["name"] = name.name;
  object["metadata"]["resourceVersion"] = std::to_string(version_);
  return objects_[type.plural][name] = std::move(object);
}

Result<KubeObject> FakeKube::Get(const Call& /*call*/, const KubeType& type, const KubeName& name) {
  if (auto error = Refused("get", type, name)) return *error;
  const auto found = Find(type, name);
  if (!found) return NotFound(name);
  return *found;
}

Result<KubeListEnd> FakeKube::List(const Call& /*call*/, const KubeType& type,
                                   const std::string& name_space,
                                   const KubeListOptions& /*options*/,
                                   const std::function<void(KubeObject)>& item) {
  if (auto error = Refused("list", type, {name_space, ""})) return *error;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, object] : objects_[type.plural]) {
    if (name_space.empty() || name.name_space == name_space) item(object);
  }
  return KubeListEnd{std::to_string(version_), false};
}

Status FakeKube::Watch(const Call& /*call*/, const KubeType& type, const std::string& name_space,
                       const KubeWatchOptions& /*options*/,
                       const std::function<void(KubeEvent)>& /*event*/) {
  if (auto error = Refused("watch", type, {name_space, ""})) return *error;
  return Terminal("BadAnswer", "this fake has no watch");
}

Result<KubeObject> FakeKube::Write(const Call& call, const KubeWrite& write) {
  if (seen) seen(call, "write");
  if (auto error = Refused("write", write.type, write.name)) return *error;
  const std::lock_guard lock(mutex_);
  writes_.push_back(write);
  auto& all = objects_[write.type.plural];
  const auto found = all.find(write.name);
  switch (write.verb) {
    case KubeVerb::kCreate:
      if (found != all.end()) return Terminal("AlreadyExists", write.name.Key());
      return Store(write.type, write.name, write.body);
    case KubeVerb::kReplace: {
      if (found == all.end()) return NotFound(write.name);
      const auto& meta = write.body.at("metadata");
      if (meta.value("resourceVersion", "") != found->second["metadata"]["resourceVersion"])
        return Transient("Conflict", write.name.Key() + " has been modified");
      return Store(write.type, write.name, write.body);
    }
    case KubeVerb::kApply:
    case KubeVerb::kMerge: {
      const std::string uid = write.body.value("metadata", KubeObject::object()).value("uid", "");
      if (found == all.end()) {
        const bool makes = write.verb == KubeVerb::kApply && write.subresource.empty();
        if (!uid.empty() || !makes) return NotFound(write.name);
        return Store(write.type, write.name, write.body);
      }
      if (!uid.empty() && uid != found->second["metadata"]["uid"])
        return Transient("Conflict", "Precondition failed: UID in precondition");
      KubeObject next = found->second;
      if (write.subresource.empty()) {
        Merge(next, write.body);
        // What an apply leaves out is given up; a merge leaves it as it is.
        if (write.verb == KubeVerb::kApply && !write.body.at("metadata").contains("finalizers"))
          next["metadata"].erase("finalizers");
      } else {
        next[write.subresource] = write.body.at(write.subresource);
      }
      return Store(write.type, write.name, std::move(next));
    }
    case KubeVerb::kDelete:
      all.erase(write.name);
      return KubeObject();
  }
  return KubeObject();
}

std::optional<KubeObject> FakeKube::Find(const KubeType& type, const KubeName& name) const {
  const std::lock_guard lock(mutex_);
  const auto objects = objects_.find(type.plural);
  if (objects == objects_.end()) return std::nullopt;
  const auto found = objects->second.find(name);
  if (found == objects->second.end()) return std::nullopt;
  return found->second;
}

KubeObject FakeKube::Put(const KubeType& type, KubeObject object) {
  const KubeName name{object["metadata"]["namespace"], object["metadata"]["name"]};
  const std::lock_guard lock(mutex_);
  return Store(type, name, std::move(object));
}

void FakeKube::Remove(const KubeType& type, const KubeName& name) {
  const std::lock_guard lock(mutex_);
  objects_[type.plural].erase(name);
}

std::vector<KubeWrite> FakeKube::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

}  // namespace etcdrestore::fakes
