#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace etcdrestore {

/// What was found while reading a file, each with its path in front.
struct Findings {
  std::vector<std::string> faults;
  std::vector<std::string> unsupported;
  std::vector<std::string> warnings;
};

/// A mapping of cluster.yml and where it lies. Reads as Go's YAML decoder does: null and "" mean
/// "not given", numbers and booleans serve as text. Wrong types become faults, and reading goes on.
/// Borrows the document and the findings.
class ConfigReader {
 public:
  ConfigReader(const nlohmann::ordered_json& value, std::string path, Findings& findings);

  /// The scalar's text; `otherwise` when it is not given.
  [[nodiscard]] std::string Text(const std::string& name, const std::string& otherwise = "") const;
  /// The same; a fault when it is not given.
  [[nodiscard]] std::string Required(const std::string& name);
  [[nodiscard]] std::vector<std::string> Texts(const std::string& name) const;
  [[nodiscard]] int Integer(const std::string& name) const;  ///< 0 when not given
  [[nodiscard]] bool Flag(const std::string& name) const;    ///< false when not given
  /// An empty mapping when it is not given.
  [[nodiscard]] ConfigReader Child(const std::string& name) const;
  [[nodiscard]] const nlohmann::ordered_json& Mapping(const std::string& name) const;
  /// One for each mapping in the list.
  [[nodiscard]] std::vector<ConfigReader> Children(const std::string& name) const;
  [[nodiscard]] const nlohmann::ordered_json& value() const { return *value_; }

  void Fault(const std::string& name, const std::string& what) const;
  void Unsupported(const std::string& name, const std::string& what) const;
  void Warn(const std::string& name, const std::string& what) const;

 private:
  [[nodiscard]] const nlohmann::ordered_json* Find(const std::string& name) const;
  [[nodiscard]] std::string PathOf(const std::string& name) const;

  const nlohmann::ordered_json* value_;
  std::string path_;
  Findings* findings_;
};

/// ASCII only, as Go's ToLower is for the names that may stand here.
std::string Lower(std::string text);

}  // namespace etcdrestore
