#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/adapters/manifests/manifest.h"

namespace etcdrestore {

/// Gathers objects file by file for LoadManifests. One use, one thread.
class ManifestReader {
 public:
  static std::string IdOf(const std::string& kind, const std::string& name_space,
                          const std::string& name);

  Status ReadPath(const std::string& path);
  Result<Manifests> Finish(const std::string& name) &&;

 private:
  struct Restore {
    std::string id;
    std::string where;
    nlohmann::ordered_json object;
  };

  Status ReadFolder(const std::string& path);
  Status ReadFile(const std::string& path);
  void Take(const nlohmann::ordered_json& object, const std::string& where);
  void TakeValues(const nlohmann::ordered_json& object, const std::string& id,
                  const std::string& where, bool secret);
  void Fault(const std::string& where, const std::string& what);
  [[nodiscard]] Result<const Restore*> Choose(const std::string& name) const;

  Manifests manifests_;
  std::vector<Restore> restores_;
  std::map<std::string, std::string> seen_;  ///< id -> where
  std::vector<std::string> faults_;
};

}  // namespace etcdrestore
