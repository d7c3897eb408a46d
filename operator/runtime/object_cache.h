#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "operator/ports/kube.h"

namespace etcdrestore {

using CachedObject = std::shared_ptr<const KubeObject>;

/// What became of one object; both null never. Another uid under the same name is two changes.
struct ObjectChange {
  KubeName name;
  CachedObject before;
  CachedObject now;
  bool first_list = false;  ///< came with the first list: there may be thousands
};

KubeName NameOf(const KubeObject& object);
/// metadata.FIELD as text, "" when absent.
std::string MetaOf(const KubeObject& object, const char* field);

/// The newest known state of every object of one type, without managedFields, held as compact text,
/// which takes a fraction of the memory. Find parses it anew. Thread safe; written by one
/// reflector.
class ObjectCache {
 public:
  [[nodiscard]] CachedObject Find(const KubeName& name) const;
  [[nodiscard]] bool Has(const KubeName& name) const;
  /// The first of those whose compact text holds `part`; only these are parsed.
  [[nodiscard]] CachedObject FindIf(const std::string& part,
                                    const std::function<bool(const KubeObject&)>& is) const;
  [[nodiscard]] std::size_t size() const;

  // For the reflector. Each returns what changed.
  std::vector<ObjectChange> Upsert(KubeObject object);
  std::vector<ObjectChange> Remove(KubeObject object);
  /// One object of a list under way; objects of the same resourceVersion are kept as they are.
  std::vector<ObjectChange> ListItem(KubeObject object);
  /// The list has ended: what was not in it is gone.
  std::vector<ObjectChange> ListEnd();
  /// The list broke off: nothing is taken for gone.
  void ListBroken();

 private:
  struct Slot {
    std::string uid;
    std::string version;
    std::string text;
  };
  static CachedObject Parsed(const std::string& text);
  std::vector<ObjectChange> Put(CachedObject object);

  mutable std::mutex mutex_;
  std::map<KubeName, Slot> objects_;
  std::set<KubeName> listed_;
};

}  // namespace etcdrestore
