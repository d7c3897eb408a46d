#include "operator/runtime/object_cache.h"

namespace etcdrestore {
namespace {

CachedObject Stripped(KubeObject object) {
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
  return std::make_shared<const KubeObject>(std::move(object));
}

}  // namespace

std::string MetaOf(const KubeObject& object, const char* field) {
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? "" : TextField(*metadata, field);
}

KubeName NameOf(const KubeObject& object) {
  return {MetaOf(object, "namespace"), MetaOf(object, "name")};
}

CachedObject ObjectCache::Parsed(const std::string& text) {
  return text.empty() ? nullptr : std::make_shared<const KubeObject>(KubeObject::parse(text));
}

CachedObject ObjectCache::Find(const KubeName& name) const {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(name);
    if (found == objects_.end()) return nullptr;
    text = found->second.text;
  }
  return Parsed(text);
}

bool ObjectCache::Has(const KubeName& name) const {
  const std::lock_guard lock(mutex_);
  return objects_.contains(name);
}

CachedObject ObjectCache::FindIf(const std::string& part,
                                 const std::function<bool(const KubeObject&)>& is) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, slot] : objects_) {
    if (slot.text.find(part) == std::string::npos) continue;
    CachedObject object = Parsed(slot.text);
    if (is(*object)) return object;
  }
  return nullptr;
}

std::size_t ObjectCache::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

std::vector<ObjectChange> ObjectCache::Put(CachedObject object) {
  const KubeName name = NameOf(*object);
  const std::string uid = MetaOf(*object, "uid");
  Slot next{uid, MetaOf(*object, "resourceVersion"), object->dump()};
  // It grew by doubling, and is kept for long.
  next.text.shrink_to_fit();
  Slot before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(objects_[name], std::move(next));
  }
  CachedObject old = Parsed(before.text);
  if (old && before.uid != uid) return {{name, old, nullptr}, {name, nullptr, object}};
  return {{name, old, object}};
}

std::vector<ObjectChange> ObjectCache::Upsert(KubeObject object) {
  return Put(Stripped(std::move(object)));
}

std::vector<ObjectChange> ObjectCache::Remove(KubeObject object) {
  const KubeName name = NameOf(object);
  const std::lock_guard lock(mutex_);
  if (objects_.erase(name) == 0) return {};
  return {{name, Stripped(std::move(object)), nullptr}};
}

std::vector<ObjectChange> ObjectCache::ListItem(KubeObject object) {
  const KubeName name = NameOf(object);
  {
    const std::lock_guard lock(mutex_);
    listed_.insert(name);
    const auto known = objects_.find(name);
    if (known != objects_.end() && known->second.uid == MetaOf(object, "uid") &&
        known->second.version == MetaOf(object, "resourceVersion"))
      return {};
  }
  return Put(Stripped(std::move(object)));
}

std::vector<ObjectChange> ObjectCache::ListEnd() {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectChange> gone;
  for (auto it = objects_.begin(); it != objects_.end();) {
    if (listed_.contains(it->first)) {
      ++it;
      continue;
    }
    gone.push_back({it->first, Parsed(it->second.text), nullptr});
    it = objects_.erase(it);
  }
  listed_.clear();
  return gone;
}

void ObjectCache::ListBroken() {
  const std::lock_guard lock(mutex_);
  listed_.clear();
}

}  // namespace etcdrestore
