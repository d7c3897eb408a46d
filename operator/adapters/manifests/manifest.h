#pragma once

#include <map>
#include <string>
#include <vector>

#include "crds/values.h"
#include "operator/base/result.h"
#include "operator/base/secret.h"

namespace etcdrestore {

/// One EtcdRestore and the Secrets and ConfigMaps that lie beside it in files: what `kubectl apply`
/// would have put into a management cluster. A value.
class Manifests final : public Values {
 public:
  EtcdRestore restore;
  std::vector<std::string> files;  ///< every file read, in order
  std::vector<std::string> notes;  ///< what was passed over: "f.yaml:12: Deployment x is ignored"

  /// The value of a key in the restore's namespace. For whole-Secret references set `key` first.
  /// Error ReferenceNotFound (terminal) names object, namespace, key and the files searched.
  [[nodiscard]] Result<Secret> Resolve(const ValueRef& reference) const override;
  [[nodiscard]] bool Has(const ValueRef& reference) const;

  /// Every reference of the spec at once: ReferenceNotFound with one line for each that is missing.
  [[nodiscard]] Status CheckReferences() const;

 private:
  friend class ManifestReader;
  std::map<std::string, std::map<std::string, Secret>>
      values_;  ///< "Secret ns/name" -> key -> value
};

/// Reads files, and the *.yaml, *.yml and *.json files directly in folders (sorted by name, as
/// kubectl does), finds exactly one EtcdRestore, or the one called `name`, and validates it. A
/// missing namespace is "default". Lists (kind: List) are opened. Errors, terminal, all faults at
/// once: ManifestUnreadable, ManifestInvalid (YAML, an object twice, bad base64), RestoreNotFound,
/// RestoreAmbiguous, ObjectInvalid.
Result<Manifests> LoadManifests(const std::vector<std::string>& paths,
                                const std::string& name = "");

}  // namespace etcdrestore
