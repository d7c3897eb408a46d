#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace etcdrestore {

/// Who else reads the same bytes, and what plain words mean to them.
enum class YamlDialect {
  kKubernetes,  ///< kubectl: a plain word or number that readers disagree about is refused
  kRke,  ///< rke (Go yaml v2): yes/no/on/off are booleans, 1.10 stays text; both with a warning
};

/// One document of a YAML text.
struct YamlDocument {
  nlohmann::ordered_json value;       ///< keys in file order
  int line = 1;                       ///< where it (or the --- before it) stands, from 1
  std::vector<std::string> warnings;  ///< "file:line:column: …"
};

/// Reads YAML (or JSON) text strictly; documents without content are left out. `file` is for
/// messages only, which have the form "file:line:column: what is wrong: what to do".
/// Refused: anchors, aliases and merge keys; duplicate keys; keys that are not strings; tags other
/// than !!str; tabs in indentation; text after the end of a document; bytes that are not UTF-8;
/// more than 4 MiB, 64 levels or 100000 nodes; plain scalars that YAML 1.1 and 1.2 read differently
/// (yes, off, 010, 0x1f, 1_000, 1e3) and numbers that would not be written back as they stand
/// (1.10, +5), since readers differ in whether they see the number or the text. Plain timestamps
/// are strings, as kubectl takes them. Error YamlInvalid (terminal).
Result<std::vector<YamlDocument>> LoadYaml(std::string_view text, const std::string& file,
                                           YamlDialect dialect = YamlDialect::kKubernetes);

}  // namespace etcdrestore
