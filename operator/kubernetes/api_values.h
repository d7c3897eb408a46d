#pragma once

#include <map>

#include "crds/values.h"
#include "operator/ports/kube.h"

namespace etcdrestore {

/// The values that one object names, read once from the API. Keeps those keys and nothing else of
/// each Secret, for as long as the run lives.
class ApiValues final : public Values {
 public:
  /// Reads every reference of the spec. What is missing is no error here: Resolve names it. Errors:
  /// those of the API, but for NotFound.
  static Result<ApiValues> Read(const Call& call, KubeApi& api, const EtcdRestore& object);
  /// From a copy made by CopyOf.
  static ApiValues FromCopy(const KubeObject& secret, const EtcdRestore& object);

  [[nodiscard]] Result<Secret> Resolve(const ValueRef& reference) const override;
  /// The `data` of a Secret with all values, so that a half-done restore can go on without the
  /// originals.
  [[nodiscard]] KubeObject CopyOf() const;
  [[nodiscard]] std::size_t bytes() const;  ///< of all values together

 private:
  static std::string IdOf(const ValueRef& reference);

  std::string name_space_;
  std::map<std::string, Secret> values_;  ///< IdOf -> value
};

}  // namespace etcdrestore
