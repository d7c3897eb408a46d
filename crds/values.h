#pragma once

#include "crds/etcd_restore.h"

namespace etcdrestore {

/// The Secrets and ConfigMaps that an EtcdRestore may name: files beside it, or the API of the
/// management cluster. Thread safe.
class Values {
 public:
  Values() = default;
  Values(const Values&) = default;
  Values(Values&&) = default;
  Values& operator=(const Values&) = default;
  Values& operator=(Values&&) = default;
  virtual ~Values() = default;
  /// The value of a key in the object's namespace. For whole-Secret references set `key` first.
  /// Error ReferenceNotFound (terminal) names object, key and where they were looked for.
  [[nodiscard]] virtual Result<Secret> Resolve(const ValueRef& reference) const = 0;
};

/// Every reference that a spec makes, with the path of the field; whole-Secret references are
/// spelled out to the keys that must be there. Pure.
std::vector<std::pair<std::string, ValueRef>> ReferencesOf(const EtcdRestoreSpec& spec);

/// Every reference of the spec at once: ReferenceNotFound with one line for each that is missing.
Status CheckReferences(const Values& values, const EtcdRestoreSpec& spec);

}  // namespace etcdrestore
