#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

namespace etcdrestore {

/// The C++ twin of one CEL rule of crds/etcdrestores.yaml, told by its message. `rule_digest` is
/// the first 16 hex digits of the SHA-256 of the rule's text: a test fails when the rule was
/// changed and its twin was not looked at.
struct Rule {
  std::string_view message;
  std::string_view rule_digest;
  bool about_change;  ///< needs the old value (CEL's oldSelf)
  /// `self` has passed the schema below it; `old` is null unless about_change.
  bool (*holds)(const nlohmann::ordered_json& self, const nlohmann::ordered_json* old);
};

std::span<const Rule> Rules();

/// nullptr when no twin has this message.
const Rule* FindRule(std::string_view message);

}  // namespace etcdrestore
